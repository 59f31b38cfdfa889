"""Metrics of a finished run and of its baselines, as plain values for results.json."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from etude.evaluation.baselines import Baseline, BaselineScores, baseline
from etude.evaluation.held_out import HeldOutSet
from etude.evaluation.likelihood import (
    LabelMetrics,
    LabelScores,
    nats_to_bits,
    nats_to_perplexity,
    note_mask,
)


def test_metrics(scores: LabelScores, held_out: HeldOutSet) -> dict[str, Any]:
    """Return the test metrics in nats and bits, and those of the labels that begin a note."""
    every = scores.metrics()
    assert every is not None  # no set of a split is empty
    assert every.nats is not None
    is_note = note_mask(held_out.data.encoding, held_out.store.vocabulary)[scores.ids]
    onsets = scores.metrics(is_note)
    return {
        "nats": every.nats,
        "bits": nats_to_bits(every.nats),
        "perplexity": nats_to_perplexity(every.nats),
        "accuracy": every.accuracy,
        "onsets": dataclasses.asdict(onsets) if onsets else None,
    }


def part_metrics(scores: LabelScores, held_out: HeldOutSet) -> dict[str, dict[str, Any]]:
    """Return pieces, nats, accuracy and onset metrics of each part of the test set that the corpus names."""
    is_note = note_mask(held_out.data.encoding, held_out.store.vocabulary)[scores.ids]
    found: dict[str, dict[str, Any]] = {}
    for name, part in held_out.data.test_parts().items():
        inside = np.isin(scores.piece, part.pieces)
        if every := scores.metrics(inside):
            onsets = scores.metrics(inside & is_note)
            found[name] = {
                "pieces": len(part.pieces),
                **dataclasses.asdict(every),
                "onsets": dataclasses.asdict(onsets) if onsets else None,
            }
    return found


def baseline_metrics(
    found: Sequence[BaselineScores], scores: LabelScores, held_out: HeldOutSet
) -> list[dict[str, Any]]:
    """Return the metrics of the baselines on the same labels as ``scores``."""
    is_note = note_mask(held_out.data.encoding, held_out.store.vocabulary)[scores.ids]
    return [dataclasses.asdict(baseline(each, is_note)) for each in found]


def baselines_from(stored: list[dict[str, Any]]) -> list[Baseline]:
    """Return the baselines from the plain values of :func:`baseline_metrics`."""
    return [
        Baseline(**{**values, "onsets": LabelMetrics(**values["onsets"]) if values["onsets"] else None})
        for values in stored
    ]


def validation_metrics(
    metrics: Mapping[str, Sequence[tuple[float, float]]], monitor: str = "val/loss", mode: str = "min"
) -> dict[str, Any]:
    """Return the metrics of the validation with the best ``monitor``; epochs are counted from 1.

    ``metrics`` has the (epoch, value) points of ``val/loss``, ``val/accuracy`` and ``monitor``.
    """
    sign = 1 if mode == "min" else -1
    rows = zip(metrics["val/loss"], metrics["val/accuracy"], metrics[monitor], strict=True)
    (epoch, nats), (_, accuracy), _ = min(rows, key=lambda points: sign * points[2][1])
    return {
        "nats": nats,
        "accuracy": accuracy,
        "best_epoch": round(epoch) + 1,
        "epochs": len(dict(metrics["val/loss"])),
    }
