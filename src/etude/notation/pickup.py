"""Pickups: the first bar line of a melody whose source does not state it."""

from __future__ import annotations

import numpy as np

from etude.music.piece import Piece

# Weights of a bar line position; fitted on 800 of the bundled erk songs, tested on the other 981.
LONG_NOTES = 12.0  # times the share of the piece's duration in notes that begin a bar
BARS_WITH_ONSET = 1.2  # times the share of bars that begin with a note
FULL_END = 1.0  # if the piece ends with a full bar, or with one that completes the pickup
NO_PICKUP = 0.9  # if the piece begins with a full bar


def inferred_pickup(piece: Piece) -> int:
    """Return the ticks before the first full bar in the metre of the piece; 0 if it has no metre.

    Of all eighths of a bar, the one that puts the longest notes and most onsets at the starts of bars.
    """
    bar = int(piece.metre.quarters * piece.division) if piece.metre else 0
    step = max(1, piece.division // 2)
    if not bar or not len(piece):
        return 0
    return max(range(0, bar, step), key=lambda shift: _weight(piece, bar, shift))


def _weight(piece: Piece, bar: int, shift: int) -> float:
    begins = (piece.onset - shift) % bar == 0
    bars = max(1, (piece.length - shift) // bar)
    weight = LONG_NOTES * float(piece.duration[begins].sum()) / (bars * bar)
    weight += BARS_WITH_ONSET * len(np.unique(piece.onset[begins])) / bars
    weight += FULL_END * (piece.length % bar == 0 or (piece.length - shift) % bar == 0)
    return weight + NO_PICKUP * (shift == 0)
