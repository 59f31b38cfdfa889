"""The contract of an encoding: a piece to tokens and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from etude.scores import Piece


class Decoded(NamedTuple):
    """A piece, and how often each kind of repair was needed to make music of the tokens."""

    piece: Piece
    repairs: Counter[str]


class Encoding(Protocol):
    """Frozen settings with a pair of functions, ``decode(encode(p)).piece == p`` for every accepted piece.

    ``version`` goes up whenever the tokens of some piece change, so that stores made before are not used.
    """

    @property
    def name(self) -> str:
        """Short name, used in folder names."""

    @property
    def version(self) -> int:
        """Version of the rules."""

    def config(self) -> dict[str, str | int | bool]:
        """Return the settings as plain values; with name and version they fix every token."""

    def is_onset(self, token: str) -> bool:
        """Return whether a note or a rest starts here: the tokens that are hard to guess."""

    def encode(self, piece: Piece) -> list[str]:
        """Return the tokens; EncodeError with the reason if the encoding does not accept the piece."""

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the music; total on tokens of its own vocabulary, ValueError on any other."""
