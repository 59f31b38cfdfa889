"""Sweeps: jobs frozen before the first starts, launched through Hydra, and resumable."""
