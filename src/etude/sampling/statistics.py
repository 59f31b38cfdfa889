"""What can be said of a drawn piece in numbers."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from etude.music.timing import seconds_at
from etude.sampling.generation import Sample


def sample_statistics(one: Sample) -> dict[str, Any]:
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
        "seconds": float(seconds_at(piece, piece.length)),
        "nats": None if math.isnan(one.nats) else one.nats,
        "valid": one.is_valid,
        "collapsed": one.collapsed,
    }
