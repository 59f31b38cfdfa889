"""Humdrum ``**kern``: reader."""
