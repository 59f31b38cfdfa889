"""Batches of windows of near-equal length, so that hardly any position of a batch is padding."""

from __future__ import annotations

import numpy as np

from etude.corpora.gather import Indices
from etude.corpora.shuffle import Shuffle, random_below

POOL = 256  # batches whose windows are sorted together; more pad less, and take more memory


def pool_bounds(batches: int) -> list[int]:
    """Return the first batch of each pool and the end of the last; pools are equal, but for one batch."""
    pools = max(1, -(-batches // POOL))
    return [batches * pool // pools for pool in range(pools + 1)]


def by_length(lengths: Indices, count: int, *key: int) -> list[Indices]:
    """Return ``count`` batches as positions in ``lengths`` (N,), N ≥ count, in an order that ``key`` decides.

    Windows of near-equal length share a batch, and windows of equal length are shuffled. Batches have nearly
    as many labels each, not as many windows: else a label in a batch of short windows would weigh more.
    """
    shuffled = random_below(np.full(len(lengths), 2**62), np.arange(len(lengths)), *key)
    order = np.lexsort((shuffled, lengths))
    ends = np.cumsum(lengths[order])
    number = np.arange(count)
    cuts = np.searchsorted(ends, number * (int(ends[-1]) / count))
    # A batch has at least one window, however long the windows before it.
    cuts = number + np.minimum(np.maximum.accumulate(cuts - number), len(lengths) - count)
    batches = np.split(order, cuts[1:])
    return [batches[place] for place in Shuffle(count, *key)(number)]
