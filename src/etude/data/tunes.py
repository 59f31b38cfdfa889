"""What makes two pieces the same tune, so that no split puts copies of one tune on both sides."""

from __future__ import annotations

import hashlib
import math

from etude.scores import Piece


def tune_hash(piece: Piece) -> int:
    """Return a stable 63-bit number, equal for pieces that are equal after transposition and rescaling.

    Pitches are taken relative to the first note, times relative to the first onset and divided by their
    greatest common divisor, so a tune notated in another key or in note values twice as long counts as
    the same; silence around it, velocity, key and metre do not count.
    """
    if not len(piece):
        return 0
    onset, pitch = piece.onset - piece.onset[0], piece.pitch - piece.pitch[0]
    unit = math.gcd(*onset.tolist(), *piece.duration.tolist())
    columns = (onset // unit, piece.duration // unit, pitch)
    text = ";".join(",".join(map(str, column.tolist())) for column in columns)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
