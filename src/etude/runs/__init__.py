"""A run's folder: what it takes to repeat it."""
