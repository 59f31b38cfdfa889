"""Bars of a piece in one metre."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from etude.music.piece import Piece
from etude.music.timing import DEFAULT_METRE

GRID = 24  # parts of a quarter note that places are rounded to


def bar_contents(piece: Piece) -> list[frozenset[tuple[int, int]]]:
    """Return for each full bar of a piece the places (in GRID) and pitches of the notes that begin in it.

    Only pieces in one metre have bars here; a bar that the piece does not fill counts if notes begin in it.
    An upbeat is none, but the bar at the end that it completes is one.
    """
    if len(piece.metres) > 1:
        return []
    metre = piece.metre or DEFAULT_METRE
    width = int(metre.quarters * GRID)
    starts = _on_grid(piece, piece.onset - piece.pickup)
    count = int(max(_on_grid(piece, np.array([piece.length - piece.pickup]))[0] // width, 0))
    count = max(count, int(starts.max(initial=-1)) // width + 1)
    bars: list[set[tuple[int, int]]] = [set() for _ in range(count)]
    for start, pitch in zip(starts.tolist(), piece.pitch.tolist(), strict=True):
        if start >= 0:
            bars[start // width].add((start % width, pitch))
    return [frozenset(bar) for bar in bars]


def _on_grid(piece: Piece, ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.rint(ticks * GRID / piece.division).astype(np.int64)
