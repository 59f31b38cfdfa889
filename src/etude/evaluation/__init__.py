"""How good a trained model is, beside its baselines, and what its samples are like."""
