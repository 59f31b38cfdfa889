"""Excerpts of a piece."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np

from etude.music.piece import Piece


def first_quarters(piece: Piece, quarters: Fraction | float) -> Piece:
    """Return the first ``quarters`` quarter notes of a piece; a longer note is cut at the end.

    The excerpt has that length, with the rests at its end, or the piece's length if the piece is shorter. A
    time between two ticks is rounded. ValueError if ``quarters`` is negative.
    """
    if quarters < 0:
        raise ValueError(f"the length must not be negative, got {quarters}")
    end = min(round(Fraction(quarters) * piece.division), piece.length)
    kept = np.flatnonzero(piece.onset < end)
    return dataclasses.replace(
        piece,
        onset=piece.onset[kept],
        duration=np.minimum(piece.duration[kept], end - piece.onset[kept]),
        pitch=piece.pitch[kept],
        velocity=piece.velocity[kept],
        part=piece.part[kept],
        length=end,
        metres=tuple(change for index, change in enumerate(piece.metres) if index == 0 or change[0] < end),
        tempos=tuple(change for index, change in enumerate(piece.tempos) if index == 0 or change[0] < end),
    )


def first_notes(piece: Piece, count: int) -> Piece:
    """Return the first ``count`` notes of a piece, and those that begin with the last of them.

    The excerpt ends with the last of its notes, or with the piece if that has no more notes. It keeps the
    changes of metre and tempo up to its end, since what follows it goes on in them.
    """
    if count < 1 or count >= len(piece):
        return piece
    kept = np.flatnonzero(piece.onset <= piece.onset[count - 1])
    if len(kept) == len(piece):
        return piece
    end = int((piece.onset[kept] + piece.duration[kept]).max())
    return dataclasses.replace(
        piece,
        onset=piece.onset[kept],
        duration=piece.duration[kept],
        pitch=piece.pitch[kept],
        velocity=piece.velocity[kept],
        part=piece.part[kept],
        length=end,
        metres=tuple(change for index, change in enumerate(piece.metres) if index == 0 or change[0] <= end),
        tempos=tuple(change for index, change in enumerate(piece.tempos) if index == 0 or change[0] <= end),
    )
