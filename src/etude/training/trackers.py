"""Trackers of a run: metrics.csv, times.csv, TensorBoard, Weights & Biases and the user's own loggers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pytorch_lightning.loggers import Logger

from etude.config.build import build_node
from etude.config.resolved import ResolvedConfig
from etude.runs.folder import RunFolder
from etude.runs.identity import flatten
from etude.training.checkpoints import ResumePoint
from etude.training.metrics_csv import MetricsCsv, TimesCsv
from etude.training.settings import LoggerSettings
from etude.training.tensorboard_tracker import TensorBoardTracker
from etude.training.tracker import Tracker
from etude.training.wandb_tracker import wandb_tracker


@contextmanager
def open_trackers(
    settings: LoggerSettings,
    run: RunFolder,
    config: ResolvedConfig,
    start: ResumePoint | None = None,
) -> Iterator[list[Tracker]]:
    """Open the trackers that the settings name; the CSV files always. ``config``: what they show as settings.

    EtudeError if one cannot be made; enter this before the run counts as running.

    One W&B run for each attempt at a training, whatever happened before in the process, and marked failed if
    the training fails. ``start`` is where an attempt goes on: nothing from there on is logged twice.
    """
    step, corpus = start.step if start else 0, run.read_json("manifest.json").get("corpus") or {}
    # what identifies a training beside its settings
    marks = {"signature": run.signature, "corpus_fingerprint": corpus.get("fingerprint")}
    shown = {**flatten(config), **marks}
    trackers = [Tracker(MetricsCsv(run.metrics, before=step)), Tracker(TimesCsv(run.times, before=step))]
    with ExitStack() as stack:
        if settings.tensorboard:
            trackers.append(TensorBoardTracker(run, shown, step))
        if settings.wandb:
            trackers.append(
                stack.enter_context(wandb_tracker(settings.wandb, {**config, **marks}, run, step))
            )
        for node in settings.nodes.values():
            logger = build_node(node, Logger, {"save_dir": str(run.path)})
            logger.log_hyperparams(shown)
            trackers.append(Tracker(logger))
        yield trackers
