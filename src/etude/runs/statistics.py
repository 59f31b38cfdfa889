"""What can be said of a drawn piece in numbers."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from etude.runs.samples import Drawn
from etude.scores import Piece


def sample_statistics(one: Drawn) -> dict[str, Any]:
    """Return the figures of one sample as plain values.

    ``repeats``: the share of notes that have the pitch of the note before; ``nats``: per drawn token.
    """
    piece = one.piece
    pitches = piece.pitch.tolist()
    repeats = sum(first == second for first, second in pairwise(pitches))
    return {
        "number": one.number,
        "tokens": len(one.tokens),
        "notes": len(piece),
        "lowest": min(pitches, default=None),
        "highest": max(pitches, default=None),
        "repeats": repeats / (len(pitches) - 1) if len(pitches) > 1 else 0.0,
        "seconds": piece_seconds(piece),
        "nats": None if math.isnan(one.nats) else one.nats,
        "valid": one.is_valid,
        "collapsed": one.collapsed,
    }


def piece_seconds(piece: Piece) -> float:
    """Return how long a piece lasts by its tempos; 120 quarter notes a minute until the first."""
    changes = sorted({0: 120.0, **dict(piece.tempos)}.items())
    ends = [tick for tick, _ in changes[1:]] + [piece.length]
    return sum(
        max(0, min(end, piece.length) - tick) / piece.division * 60 / tempo
        for (tick, tempo), end in zip(changes, ends, strict=True)
    )
