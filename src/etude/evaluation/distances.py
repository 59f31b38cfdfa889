"""Distances between the distributions of a feature in two sets of pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from etude.evaluation.bootstrap import Estimate, estimate, plain, ratios
from etude.evaluation.features import Feature
from etude.music import Piece

Floats = npt.NDArray[np.float64]


def histograms(feature: Feature, pieces: Sequence[Piece]) -> tuple[Floats, Floats]:
    """Return how often each bin occurs in each piece, (pieces, bins), and [sum, count] of its values.

    Values outside the grid fall into its first or last bin.
    """
    edges = np.array(feature.grid)
    counts, sums = np.zeros((len(pieces), len(edges) - 1)), np.zeros((len(pieces), 2))
    for row, piece in enumerate(pieces):
        values = feature.values(piece)
        bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
        counts[row] = np.bincount(bins, minlength=len(edges) - 1)
        sums[row] = values.sum(), len(values)
    return counts, sums


def overlapping_area(first: Floats, second: Floats) -> Floats:
    """Return the area that two histograms (…, bins), each scaled to 1, share; 1: alike, 0: disjoint."""
    found: Floats = np.minimum(_shares(first), _shares(second)).sum(axis=-1)
    return found


def jensen_shannon(first: Floats, second: Floats) -> Floats:
    """Return the Jensen–Shannon distance of two histograms (…, bins); 0: alike, 1: disjoint.

    The square root of the divergence in bits: Endres & Schindelin 2003.
    """
    p, q = _shares(first), _shares(second)
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return np.sqrt(np.clip(divergence, 0, 1))


def _relative_entropy(p: Floats, middle: Floats) -> Floats:
    logs = np.log2(np.divide(p, middle, out=np.ones_like(p), where=p > 0))
    found: Floats = (p * logs).sum(axis=-1)
    return found


def _shares(counts: Floats) -> Floats:
    return ratios(counts, counts.sum(axis=-1, keepdims=True) + np.zeros_like(counts))


def compare(
    feature: Feature,
    samples: Sequence[Piece],
    held_out: Sequence[Piece],
    others: Sequence[Piece],
    *,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Return means and distances with intervals, over resampled pieces, as plain values.

    ``others``: as many training pieces as samples; how far they are from ``held_out`` is the yardstick: music
    of one kind differs that much by chance.
    """
    numbers = np.random.default_rng(seed)
    found = [histograms(feature, pieces) for pieces in (samples, held_out, others)]
    drawn = [_drawn(*each, resamples, numbers) for each in found]
    totals = [counts.sum(axis=0) for counts, _ in found]
    row: dict[str, Any] = {"name": feature.name, "meaning": feature.meaning, "by_note": feature.by_note}
    for name, (_, sums), (_, resampled) in zip(
        ("samples", "held_out", "training"), found, drawn, strict=True
    ):
        value = float(ratios(*sums.sum(axis=0)[:, None])[0])
        row[name] = plain(estimate(value, ratios(resampled[:, 0], resampled[:, 1])))
    for name, measure in (("overlap", overlapping_area), ("distance", jensen_shannon)):
        for key, index in ((name, 0), (f"{name}_training", 2)):
            value = float(measure(totals[index], totals[1]))
            row[key] = plain(_between(value, measure(drawn[index][0], drawn[1][0])))
    row["histogram"] = {
        "edges": [round(each, 6) for each in feature.grid],
        **{name: counts.tolist() for name, counts in zip(("samples", "held_out"), totals, strict=False)},
    }
    return row


def _between(value: float, resampled: Floats) -> Estimate:
    """Return an estimate whose interval contains the value; resampled histograms differ more than the two."""
    found = estimate(value, resampled)
    if found.low is None or found.high is None:
        return found
    return Estimate(value, min(value, found.low), max(value, found.high))


def _drawn(
    counts: Floats, sums: Floats, resamples: int, numbers: np.random.Generator
) -> tuple[Floats, Floats]:
    size = len(counts)
    weights = numbers.multinomial(size, np.full(size, 1 / max(size, 1)), size=resamples)
    return weights @ counts, weights @ sums
