"""Evaluation: likelihood of held-out music, baselines, and statistics of samples."""
