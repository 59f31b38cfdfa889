"""Splits: which pieces train, which validate, which test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

PieceIndices = npt.NDArray[np.int64]


class Split(NamedTuple):
    """Indices of pieces in each set, ascending; no piece is in two sets."""

    train: PieceIndices
    val: PieceIndices
    test: PieceIndices


def split_by_piece(tune_hashes: npt.NDArray[np.int64], fractions: Sequence[float], seed: int) -> Split:
    """Assign each piece by a stable hash of its tune and ``seed``.

    A piece's set depends on nothing but the tune itself, so adding pieces never moves others, and
    copies of a tune stay together. ``fractions`` (train, val, test; their sum is 1) are met on average.
    """
    first, second = fractions[0], fractions[0] + fractions[1]
    position = np.array([_position(int(tune), seed) for tune in tune_hashes])
    return Split(
        train=np.flatnonzero(position < first),
        val=np.flatnonzero((position >= first) & (position < second)),
        test=np.flatnonzero(position >= second),
    )


def _position(tune: int, seed: int) -> float:
    """A number in [0, 1), uniform over tunes."""
    digest = hashlib.sha256(f"{seed}:{tune}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
