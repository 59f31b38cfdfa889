"""Music as values: pieces, notes, keys, metres."""

from etude.music.key import Key
from etude.music.piece import DEFAULT_VELOCITY, Metre, Note, Piece

__all__ = ["DEFAULT_VELOCITY", "Key", "Metre", "Note", "Piece"]
