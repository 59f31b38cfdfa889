"""Plugin of Hydra, which looks for launchers in the package `hydra_plugins` only."""
