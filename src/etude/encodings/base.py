"""The interface of an encoding, and what encodings share."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cache
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from etude.encodings.vocabulary import TERMINATOR
from etude.errors import EncodeError
from etude.music import Piece


class Decoded(NamedTuple):
    """A piece, and the number of repairs of each kind that decoding needed."""

    piece: Piece
    repairs: Counter[str]


class SourceTokens(NamedTuple):
    """The tokens of one piece, and the part of the file that they encode."""

    name: str
    data: bytes
    tokens: list[str]


class Encoding(Protocol):
    """Frozen settings and two functions; ``decode(encode(p)).piece == p`` for every accepted piece.

    ``version`` rises whenever the tokens of any piece change, so that older stores are not used.
    """

    @property
    def name(self) -> str:
        """Short name, used in folder names."""

    @property
    def version(self) -> int:
        """Version of the rules."""

    @property
    def symbols(self) -> tuple[str, ...] | None:
        """All possible tokens if they are known in advance; None: those of the corpus."""

    @property
    def terminator(self) -> str:
        """The token between pieces: TERMINATOR, or one of the encoding's own."""

    @property
    def ends_after(self) -> int:
        """Number of terminators in a row that end a piece."""

    def split(self, text: str) -> list[str]:
        """Split typed text into tokens."""

    def join(self, tokens: Sequence[str]) -> str:
        """Join tokens to text as a user types it."""

    def config(self) -> dict[str, str | int | bool]:
        """Return the settings as plain values; with name and version they determine every token."""

    def is_onset(self, token: str) -> bool:
        """Return whether a note or a rest starts at this token: the tokens that are hard to predict."""

    def encode(self, piece: Piece) -> list[str]:
        """Return the tokens; EncodeError with the reason if the piece is not accepted."""

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the music for any tokens of the vocabulary; ValueError for other tokens."""


def encoding_complaint(found: object) -> str:
    """Return what a class lacks to be an encoding; "" if it is one."""
    if not inspect.isclass(found):
        return "is no class"
    declared = {name for owner in found.__mro__ for name in getattr(owner, "__annotations__", ())}
    members = [name for name in vars(Encoding) if not name.startswith("_")]
    lacking = [name for name in members if not hasattr(found, name) and name not in declared]
    return f"is no encoding: it lacks {', '.join(lacking)}" if lacking else ""


class WordEncoding:
    """Base of encodings whose tokens are words, typed with spaces between them."""

    terminator: ClassVar[str] = TERMINATOR
    ends_after: ClassVar[int] = 1

    def split(self, text: str) -> list[str]:
        """Return the words."""
        return text.split()

    def join(self, tokens: Sequence[str]) -> str:
        """Return the words with spaces between them."""
        return " ".join(tokens)


@dataclass(frozen=True)
class StepEncoding(WordEncoding):
    """Base of encodings that count time in steps; ``step`` is a fraction of a whole note, as in "1/16"."""

    step: str = "1/16"

    symbols: ClassVar[None] = None
    has_grid: ClassVar[bool] = True  # whether times of a piece must be whole steps

    @property
    def step_quarters(self) -> Fraction:
        """Length of one step in quarter notes."""
        return 4 * Fraction(self.step)

    def config(self) -> dict[str, str | int | bool]:
        """Return the settings as plain values."""
        return asdict(self)

    def quarters(self, token: str) -> Fraction:
        """Return the length of a token in quarter notes: one step, but for the terminator."""
        return Fraction(0) if token == self.terminator else self.step_quarters


class SourceEncoding(Encoding, Protocol):
    """An encoding of the file itself, for what a Piece lacks: ABC text, the order of MIDI events."""

    def takes(self, data: bytes, name: str) -> bool:
        """Return whether a file is encoded from its source; other files are read as a Piece first."""

    def encode_source(self, data: bytes, name: str, *, by_music21: bool = False) -> Iterator[SourceTokens]:
        """Yield each piece of a file; ReadError if the file cannot be read.

        ``by_music21``: an encoding that follows music21's rules asks music21 itself.
        """


@cache
def _quarters(step: str) -> tuple[int, int]:
    return (4 * Fraction(step)).as_integer_ratio()


def in_steps(piece: Piece, step: str) -> tuple[list[int], list[int], list[int]]:
    """Return onsets, durations and [length] of a piece in steps; EncodeError for a time between steps.

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
