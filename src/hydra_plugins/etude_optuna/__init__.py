"""Hydra looks for sweepers in `hydra_plugins` alone; ours is here for that reason."""
