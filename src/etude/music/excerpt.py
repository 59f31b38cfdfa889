"""Excerpts: the beginning of a piece, as a piece."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from etude.music.piece import Piece


def first_notes(piece: Piece, count: int) -> Piece:
    """Return the first ``count`` notes (all, if there are fewer), by onset, of equal onsets the lower first.

    The excerpt ends with the last of them: a rest after it is left out. ValueError if ``count`` is negative.
    """
    if count < 0:
        raise ValueError(f"the number of notes must not be negative, got {count}")
    order = np.lexsort((piece.part, piece.pitch, piece.onset))
    kept = np.sort(order[:count])
    end = int((piece.onset[kept] + piece.duration[kept]).max()) if len(kept) else 0
    return _excerpt(piece, kept, end)


def first_quarters(piece: Piece, quarters: Fraction | float) -> Piece:
    """Return what is heard in the first ``quarters`` quarter notes; a note that sounds on is cut there.

    The excerpt is as long as that, rests at its end included, or as the piece if that is shorter; a time
    between two ticks is rounded. ValueError if ``quarters`` is negative.
    """
    if quarters < 0:
        raise ValueError(f"the length must not be negative, got {quarters}")
    end = min(round(Fraction(quarters) * piece.division), piece.length)
    return _excerpt(piece, np.flatnonzero(piece.onset < end), end)


def _excerpt(piece: Piece, kept: npt.NDArray[np.intp], end: int) -> Piece:
    """Return the notes at these indices, cut at ``end`` (ticks), with the metres and tempos before it."""
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
