"""Callbacks and metrics of the user's own, built and tried before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torchmetrics import Metric

from etude.config.build import build_node
from etude.config.problems import did_you_mean
from etude.corpora.batches import held_out
from etude.corpora.gather import IGNORE
from etude.corpora.prepared import PreparedCorpus
from etude.errors import EtudeError
from etude.models.label_means import BEST_MODES
from etude.models.module import SequenceModule
from etude.models.network import Network
from etude.training.settings import CallbackSettings, MetricSettings

TRIED = 4  # labels that a metric is tried on


def own_callbacks(
    settings: CallbackSettings, checkpoints: Path, others: Sequence[pl.Callback]
) -> list[pl.Callback]:
    """Return the callbacks under ``settings``, whose states are kept apart from those of ``others``."""
    found: list[pl.Callback] = []
    for name, node in settings.nodes.items():
        callback: pl.Callback = build_node(node, pl.Callback, {"dirpath": checkpoints / name})
        if callback.state_key in {each.state_key for each in (*others, *found)}:
            # Lightning saves the state of a callback under the name of its class
            callback.__class__ = type(name, (type(callback),), {})
        found.append(callback)
    return found


def add_metrics(module: SequenceModule, settings: MetricSettings, vocabulary_size: int) -> None:
    """Add the metrics under ``settings`` to the validation of a module.

    A metric gets the logits (N, V) and the targets (N,) of the labels that count. EtudeError for one that
    cannot take them, or does not compute one number.
    """
    for name, metric in _metrics(settings, vocabulary_size).items():
        if name in (*BEST_MODES, "nats", "bits", "onsets"):
            raise EtudeError(f"metrics.{name}: every training has this metric; give yours another name")
        _try(name, metric, vocabulary_size)
        metric.reset()
        module.add_metric(name, metric)


@torch.inference_mode()
def test_own(settings: MetricSettings, network: Network, data: PreparedCorpus) -> dict[str, float]:
    """Return the metrics under ``settings`` of a network on the test set."""
    metrics = _metrics(settings, len(data.vocabulary))
    with network.evaluating():
        for batch in held_out(data, data.split.test) if metrics else ():
            targets = batch.targets.to(network.device)  # (B, L)
            features, _ = network.features(batch.inputs.to(network.device))
            logits = network.head(features[:, -targets.shape[1] :])  # (B, L, V)
            for metric in metrics.values():
                metric.to(network.device).update(logits[targets != IGNORE], targets[targets != IGNORE])
    return {name: float(metric.compute()) for name, metric in metrics.items()}


def _metrics(settings: MetricSettings, vocabulary_size: int) -> dict[str, Metric]:
    offers = {"num_classes": vocabulary_size, "vocabulary_size": vocabulary_size}
    return {name: build_node(node, Metric, offers) for name, node in settings.nodes.items()}


def _try(name: str, metric: Metric, vocabulary_size: int) -> None:
    try:
        metric.update(torch.zeros(TRIED, vocabulary_size), torch.zeros(TRIED, dtype=torch.long))
        value = metric.compute()
        float(value)
    except Exception as error:  # whatever the user's class raises
        raise EtudeError(
            f"metrics.{name}: {type(metric).__name__} does not take logits ({TRIED}, {vocabulary_size}) and "
            f"targets ({TRIED},), or does not compute one number ({type(error).__name__}: {error})"
        ) from error


def check_monitors(callbacks: Sequence[pl.Callback], module: SequenceModule) -> None:
    """Raise EtudeError for a callback that monitors what this module does not log, or the wrong end of it."""
    known = module.logged
    for callback in callbacks:
        monitor: Any = getattr(callback, "monitor", None)
        if known and isinstance(monitor, str) and monitor not in known:
            raise EtudeError(
                f"{type(callback).__name__} monitors {monitor}, which is not logged"
                f"{did_you_mean(monitor, known)}; logged are {', '.join(known)}"
            )
        wanted, mode = module.best_modes.get(monitor), getattr(callback, "mode", None)
        if wanted is not None and mode not in (None, wanted):
            raise EtudeError(
                f"{type(callback).__name__} takes {mode} of {monitor}, but {wanted} is best; type "
                f"callbacks.mode={wanted}, or mode: {wanted} for a callback of your own"
            )
