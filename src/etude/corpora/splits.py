"""Splits: training, validation and test labels."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from etude.corpora.shuffle import uniform
from etude.corpora.store import Store
from etude.music import Piece

Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Subset(NamedTuple):
    """One set of a split: its pieces, and which of their labels count.

    ``pieces`` are indices, ascending. ``labels``, shape (len(store.ids) - 1,), marks the labels that
    count: label p is what follows ``ids[p]``. None: all labels of the pieces.
    """

    pieces: Indices
    labels: Bools | None = None


class Split(NamedTuple):
    """Three disjoint sets of labels."""

    train: Subset
    val: Subset
    test: Subset


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


def split_by_piece(tune_hashes: Indices, fractions: Sequence[float], seed: int) -> Split:
    """Assign each piece by a stable hash of its tune and ``seed``.

    A piece's set depends on nothing but the tune itself, so adding pieces never moves others, and
    copies of a tune stay together. ``fractions`` (train, val, test; their sum is 1) are met on average.
    Assignments are part of the contract, from version to version: published figures rest on them.
    """
    first, second = fractions[0], fractions[0] + fractions[1]
    return _divided(uniform(tune_hashes, seed), first, second)


def split_small(tune_hashes: Indices, fractions: Sequence[float], seed: int) -> Split:
    """Split a corpus so small that :func:`split_by_piece` leaves a set empty.

    Tunes are ranked by the same hash. The last get the test share, those before them the validation share,
    each rounded but at least one tune. With fewer than three tunes, a set stays empty.
    """
    position = uniform(tune_hashes, seed)
    ranked, rank = np.unique(position, return_inverse=True)
    test = max(1, round(fractions[2] * len(ranked)))
    val = max(1, round(fractions[1] * len(ranked)))
    first = max(0, len(ranked) - test - val)
    return _divided(rank, first, first + val)


def _divided(values: npt.NDArray[Any], first: float, second: float) -> Split:
    """Return pieces with a value below ``first`` for training, below ``second`` for validation, the rest."""
    return Split(
        train=Subset(np.flatnonzero(values < first)),
        val=Subset(np.flatnonzero((values >= first) & (values < second))),
        test=Subset(np.flatnonzero(values >= second)),
    )


def split_by_window(store: Store, fractions: Sequence[float], seed: int, *, skip: int = 0) -> Split:
    """Assign each label, with the window before it, at random, as in the published tutorials.

    Neighbouring windows overlap in all but one token, so the model trains on most of what it is then
    validated on. ``skip`` > 0 leaves out the first so many labels of each piece, which have no full window
    before them, and the terminators. Sizes are those of ``torch.utils.data.random_split``: each share is
    rounded down, what is left over goes to the first sets.
    """
    eligible = np.ones(len(store.ids) - 1, dtype=bool)
    if skip:
        eligible[store.offsets[1:] - 1] = False
        for start in store.offsets[:-1]:
            eligible[start : start + skip] = False
    labels = np.flatnonzero(eligible)
    sizes = [int(len(labels) * fraction + 1e-9) for fraction in fractions]
    for extra in range(len(labels) - sum(sizes)):
        sizes[extra % len(sizes)] += 1
    shuffled = np.random.default_rng(seed).permutation(labels)
    everywhere = np.arange(len(store))
    subsets = []
    for chosen in np.split(shuffled, np.cumsum(sizes)[:-1]):
        mask = np.zeros(len(eligible), dtype=bool)
        mask[chosen] = True
        subsets.append(Subset(everywhere, mask))
    return Split(*subsets)


def overlap(split: Split, length: int) -> float:
    """Return the share of a validation window of ``length`` tokens that is also trained on, 0 to 1.

    0 for a split by piece: no piece is in two sets.
    """
    if split.train.labels is None or split.val.labels is None:
        return 0.0
    trained = np.concatenate([[0], np.cumsum(split.train.labels)])
    validated = np.flatnonzero(split.val.labels)
    start = np.maximum(validated - length, 0)
    return float(((trained[validated] - trained[start]) / np.maximum(validated - start, 1)).mean())
