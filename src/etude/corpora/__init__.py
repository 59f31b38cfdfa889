"""Corpora: where music comes from, how it is read, encoded, stored, split and batched."""
