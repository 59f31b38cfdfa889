"""Bootstrap intervals: how far a mean over pieces would move with other pieces of the same kind.

Efron & Tibshirani, "An Introduction to the Bootstrap" (1993), percentile intervals, chapter 13. The pieces
are drawn, not the labels, because the labels of one piece are alike.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

COVERAGE = (2.5, 97.5)  # percentiles of a 95 % interval
WEIGHTS = 4_000_000  # resampled counts in memory at a time


class Estimate(NamedTuple):
    """A value and its 95 % interval, None where one piece alone says nothing of others."""

    value: float
    low: float | None = None
    high: float | None = None


def resampled_sums(columns: Floats, resamples: int, seed: int) -> Floats:
    """Return the column sums of ``resamples`` draws of as many rows, with replacement.

    ``columns`` (pieces, K); the result is (resamples, K). All columns see the same draws, so that
    differences of their means are paired.
    """
    pieces = len(columns)
    numbers, found = np.random.default_rng(seed), []
    for first in range(0, resamples, chunk := max(1, WEIGHTS // pieces)):
        draws = min(chunk, resamples - first)
        found.append(numbers.multinomial(pieces, np.full(pieces, 1 / pieces), size=draws) @ columns)
    return np.concatenate(found)


def ratios(above: Floats, below: Floats) -> Floats:
    """Return above / below, NaN where ``below`` is 0."""
    found: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return found


def sums_by(entry: npt.NDArray[np.int64], weights: npt.NDArray[Any], count: int) -> Floats:
    """Return the sums of ``weights`` (labels,) over the labels of each entry, (count,)."""
    return np.bincount(entry, weights, minlength=count).astype(np.float64)


def estimate(value: float, resampled: Floats) -> Estimate:
    """Return a value with the interval of its resampled values; NaN among these is left out."""
    known = resampled[np.isfinite(resampled)]
    if len(known) < max(1, len(resampled) / 2):
        return Estimate(value)
    low, high = np.percentile(known, COVERAGE)
    return Estimate(value, float(low), float(high))


def plain(found: Estimate | None) -> dict[str, float | None] | None:
    """Return an estimate for JSON, which has no infinity."""
    if found is None or not math.isfinite(found.value):
        return None
    return {
        key: value if value is None or math.isfinite(value) else None
        for key, value in found._asdict().items()
    }
