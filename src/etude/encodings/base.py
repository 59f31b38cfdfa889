"""The contract of an encoding: a piece to tokens and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from etude.errors import EncodeError
from etude.music import Piece


class Decoded(NamedTuple):
    """A piece, and how often each kind of repair was needed to make music of the tokens."""

    piece: Piece
    repairs: Counter[str]


class SourceTokens(NamedTuple):
    """The tokens of one piece, and its own part of the file they were made from."""

    name: str
    data: bytes
    tokens: list[str]


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

    @property
    def symbols(self) -> tuple[str, ...] | None:
        """All tokens there can be, where that is known beforehand; None: those that the corpus has."""

    @property
    def terminator(self) -> str:
        """The token that stands between pieces: TERMINATOR, or one of the encoding's own."""

    @property
    def ends_after(self) -> int:
        """How many terminators in a row end a piece."""

    def split(self, text: str) -> list[str]:
        """Return the tokens that a user typed as one text."""

    def join(self, tokens: Sequence[str]) -> str:
        """Return the tokens as one text, as a user would type them."""

    def config(self) -> dict[str, str | int | bool]:
        """Return the settings as plain values; with name and version they fix every token."""

    def is_onset(self, token: str) -> bool:
        """Return whether a note or a rest starts here: the tokens that are hard to guess."""

    def encode(self, piece: Piece) -> list[str]:
        """Return the tokens; EncodeError with the reason if the encoding does not accept the piece."""

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the music; total on tokens of its own vocabulary, ValueError on any other."""


class Spaced:
    """How tokens of more than one character are typed: with spaces between them."""

    ends_after: ClassVar[int] = 1

    def split(self, text: str) -> list[str]:
        """Return the words."""
        return text.split()

    def join(self, tokens: Sequence[str]) -> str:
        """Return the words with a space between them."""
        return " ".join(tokens)


class SourceEncoding(Encoding, Protocol):
    """An encoding of the file itself, for what a Piece does not hold: spelling, the order of MIDI events."""

    def takes(self, data: bytes, name: str) -> bool:
        """Return whether a file is of the kind that is encoded from its source; others go by way of Piece."""

    def encode_source(self, data: bytes, name: str, *, by_music21: bool = False) -> Iterator[SourceTokens]:
        """Yield each piece of a file; ReadError if the file cannot be read.

        ``by_music21``: where the encoding re-states rules of music21's, ask music21 itself.
        """


@cache
def _quarters(step: str) -> tuple[int, int]:
    return (4 * Fraction(step)).as_integer_ratio()


def in_steps(piece: Piece, step: str) -> tuple[list[int], list[int], list[int]]:
    """Return onsets, durations and [length] of a piece in steps; EncodeError if one is between two steps.

    ``step`` is a fraction of a whole note, as in "1/16".
    """
    numerator, denominator = _quarters(step)
    times = np.concatenate([piece.onset, piece.duration, [piece.length]])
    steps, left = np.divmod(times * denominator, numerator * piece.division)
    if left.any():
        raise EncodeError(f"a duration does not fit the grid of {step}")
    count = len(piece)
    whole: list[int] = steps.tolist()
    return whole[:count], whole[count:-1], whole[-1:]
