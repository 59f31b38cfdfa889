"""Sweeps: many jobs frozen before the first starts, launched through Hydra, found again and continued."""
