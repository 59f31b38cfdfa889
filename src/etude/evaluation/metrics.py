"""Metrics of a finished run and of its baselines, as plain values for results.json."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from etude.corpora.data_module import CorpusDataModule
from etude.evaluation.baselines import Baseline, LabelledPieces, baselines
from etude.evaluation.likelihood import LabelMetrics, label_metrics, nats_to_bits, nats_to_perplexity
from etude.models.network import Network


def onset_mask(data: CorpusDataModule) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which ids of the vocabulary begin a note or a rest, shape (V,); the terminator does not."""
    tokens = data.vocabulary.tokens[1:]
    return np.array([False, *(data.encoding.is_onset(token) for token in tokens)])


def test_metrics(network: Network, data: CorpusDataModule, measured: Mapping[str, float]) -> dict[str, Any]:
    """Return the test metrics that Lightning measured, in nats and bits, and those of the onsets alone."""
    nats, accuracy = measured["test/loss"], measured["test/accuracy"]
    mask = onset_mask(data)
    onsets = label_metrics(network, data.held_out(data.split.test), mask) if mask.any() else None
    return {
        "nats": nats,
        "bits": nats_to_bits(nats),
        "perplexity": nats_to_perplexity(nats),
        "accuracy": accuracy,
        "onsets": dataclasses.asdict(onsets) if onsets else None,
    }


def baseline_metrics(data: CorpusDataModule) -> list[dict[str, Any]]:
    """Return the metrics of the baselines on the same split."""
    train, val, test = (LabelledPieces(data.pieces(subset), subset.labels) for subset in data.split)
    found = baselines(train, val, test, data.vocabulary, onsets=onset_mask(data))
    return [dataclasses.asdict(baseline) for baseline in found]


def baselines_from(stored: list[dict[str, Any]]) -> list[Baseline]:
    """Return the baselines from the plain values of :func:`baseline_metrics`."""
    return [
        Baseline(**{**values, "onsets": LabelMetrics(**values["onsets"]) if values["onsets"] else None})
        for values in stored
    ]


def validation_metrics(metrics: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, Any]:
    """Return the metrics of the epoch with the lowest validation loss; epochs are counted from 1.

    ``metrics`` has the (epoch, value) points of ``val/loss`` and ``val/accuracy``.
    """
    losses, accuracies = dict(metrics["val/loss"]), dict(metrics["val/accuracy"])
    best = min(losses, key=lambda epoch: losses[epoch])
    return {
        "nats": losses[best],
        "accuracy": accuracies[best],
        "best_epoch": round(best) + 1,
        "epochs": len(losses),
    }
