"""From logits back to tokens."""
