"""Pickups: where the first bar line falls in a melody whose notes do not tell."""

from __future__ import annotations

import dataclasses

import numpy as np

from etude.music.piece import Piece

# What speaks for a place of the bar lines; found on 800 of the bundled erk songs, tried on the other 981.
LONG_NOTES = 12.0  # times the share of the piece's time that belongs to notes which begin a bar
BEGUN_BARS = 1.2  # times the share of bars that a note begins
FULL_END = 1.0  # if the piece ends with a bar, or with one that completes the pickup
NO_PICKUP = 0.9  # if it begins with a full bar


def inferred_pickup(piece: Piece) -> int:
    """Return the ticks before the first full bar, for the metre that the piece states, 0 if it states none.

    Of all eighths of a bar the one that puts the longest notes and most onsets on the beginnings of bars.
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
    weight += BEGUN_BARS * len(np.unique(piece.onset[begins])) / bars
    weight += FULL_END * (piece.length % bar == 0 or (piece.length - shift) % bar == 0)
    return weight + NO_PICKUP * (shift == 0)


def with_inferred_pickup(piece: Piece) -> Piece:
    """Return the piece with the pickup that its notes speak for."""
    return dataclasses.replace(piece, pickup=inferred_pickup(piece))
