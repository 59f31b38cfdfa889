"""Sampling: from logits back to tokens and pieces."""
