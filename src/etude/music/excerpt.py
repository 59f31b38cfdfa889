"""Excerpts of a piece."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TypeVar

import numpy as np

from etude.music.piece import Piece

Value = TypeVar("Value")


def first_quarters(piece: Piece, quarters: Fraction | float) -> Piece:
    """Return the first ``quarters`` quarter notes of a piece; a longer note is cut at the end.

    The excerpt has that length, with the rests at its end, or the piece's length if the piece is shorter. A
    time between two ticks is rounded. ValueError if ``quarters`` is negative.
    """
    if quarters < 0:
        raise ValueError(f"the length must not be negative, got {quarters}")
    end = min(round(Fraction(quarters) * piece.division), piece.length)
    kept = piece.selected(piece.onset < end)
    return dataclasses.replace(
        kept,
        duration=np.minimum(kept.duration, end - kept.onset),
        length=end,
        metres=_until(end - 1, piece.metres),
        tempos=_until(end - 1, piece.tempos),
    )


def first_notes(piece: Piece, count: int) -> Piece:
    """Return the first ``count`` notes of a piece, and those that begin with the last of them.

    The excerpt ends with the last of its notes, or with the piece if that has no more notes. It keeps the
    changes of metre and tempo up to its end, since what follows it goes on in them.
    """
    if count < 1 or count >= len(piece):
        return piece
    kept = piece.selected(piece.onset <= piece.onset[count - 1])
    if len(kept) == len(piece):
        return piece
    end = int((kept.onset + kept.duration).max())
    return dataclasses.replace(
        kept, length=end, metres=_until(end, piece.metres), tempos=_until(end, piece.tempos)
    )


def _until(last: int, changes: tuple[tuple[int, Value], ...]) -> tuple[tuple[int, Value], ...]:
    """Return the changes up to tick ``last``, and the first in any case."""
    return (*changes[:1], *(change for change in changes[1:] if change[0] <= last))
