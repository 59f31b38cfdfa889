"""Readers: one file of a format to its pieces, with an error for each tune that cannot be read."""
