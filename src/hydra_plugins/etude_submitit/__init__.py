"""Hydra looks for launchers in `hydra_plugins` alone; ours is here for that reason."""
