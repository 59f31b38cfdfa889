"""Excerpts: the beginning of a piece, as a piece."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np

from etude.music.piece import Piece


def first_quarters(piece: Piece, quarters: Fraction | float) -> Piece:
    """Return what is heard in the first ``quarters`` quarter notes; a note that sounds on is cut there.

    The excerpt is as long as that, rests at its end included, or as the piece if that is shorter; a time
    between two ticks is rounded. ValueError if ``quarters`` is negative.
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
