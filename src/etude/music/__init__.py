"""Music as a value, and the forms it can be written in."""

from etude.music.key import Key
from etude.music.piece import DEFAULT_VELOCITY, Metre, Note, Piece

__all__ = ["DEFAULT_VELOCITY", "Key", "Metre", "Note", "Piece"]
