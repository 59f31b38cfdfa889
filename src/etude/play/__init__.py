"""Play with trained runs on a page in the browser."""
