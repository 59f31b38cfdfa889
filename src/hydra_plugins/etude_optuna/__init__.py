"""Plugin of Hydra, which looks for sweepers in the package `hydra_plugins` only."""
