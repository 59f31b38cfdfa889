"""What a trained model is read against."""
