"""Measure labels per second of processor time: `etude train`'s step loop against a bare PyTorch loop.

    python benchmarks/training_step.py [KEY=VALUE ...] [--epochs 1] [--repeats 3]

Both train the same network on the same windows, alternately and in this process: first with the trainer,
callbacks, metrics, progress bar and CSV log of `etude train`, then with forward, loss, backward, clipping,
optimizer and scheduler alone. Only training steps are timed, with the batches they read, not validation.
Each is measured with windows in random order and with windows of near-equal length (data.bucket). The fill
is the share of positions that have a label. Each number is the best of the repeats.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from machine import heading, print_table

from etude.commands import console
from etude.config.build import build
from etude.config.compose import compose, plain
from etude.config.fields import from_plain
from etude.config.resolved import ResolvedConfig
from etude.corpora.batches import training_windows
from etude.corpora.data_module import CorpusDataModule
from etude.corpora.gather import IGNORE, Batch
from etude.corpora.prepared import PreparedCorpus
from etude.models.module import SequenceModule, build_module
from etude.runs.folder import RunFolder
from etude.training.logs import logged_to
from etude.training.resume import Resume
from etude.training.settings import TrainSettings
from etude.training.signals import stop_signals
from etude.training.trackers import open_trackers
from etude.training.trainer import fit, make_callbacks, make_trainer


class Clock(pl.Callback):
    """Processor time and labels of the training steps, without validation."""

    def __init__(self) -> None:
        self.labels, self.seconds, self._since = 0, 0.0, 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._since = time.process_time()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self.labels += batch.num_labels
        if trainer.is_last_batch:
            self.seconds += time.process_time() - self._since


def main(overrides: list[str], epochs: int, repeats: int) -> None:
    print(heading("Labels a second of processor time, training steps alone"), flush=True)
    rows = [["", "fill", "labels/s, etude train", "labels/s, bare loop", "ratio"]]
    for bucket in ("false", "true"):
        chosen = [*overrides, f"data.bucket={bucket}", "logger=csv", f"trainer.max_epochs={epochs}"]
        config = ResolvedConfig(plain(compose("train", chosen)))
        settings = from_plain(TrainSettings, config)
        torch.set_num_threads(settings.threads)
        data: PreparedCorpus = build(settings.data, PreparedCorpus)
        ours = bare = 0.0
        for _ in range(repeats):
            ours = max(ours, rate_of_etude(settings, config, data))
            bare = max(bare, rate_of_bare_loop(settings, data))
        rows.append(
            [
                f"data.bucket={bucket}",
                f"{fill(data):.1%}",
                f"{ours:,.0f}",
                f"{bare:,.0f}",
                f"{ours / bare:.2f}",
            ]
        )
    print_table(rows)


def fill(data: PreparedCorpus) -> float:
    """Return the share of an epoch's positions that have a label."""
    batches = list(training_windows(data, 0))
    return sum(batch.num_labels for batch in batches) / sum(batch.targets.numel() for batch in batches)


def new_module(settings: TrainSettings, data: PreparedCorpus) -> SequenceModule:
    pl.seed_everything(settings.seed, verbose=False)
    return build_module(settings.model, settings.optim, settings.schedule, data.vocabulary)


def rate_of_etude(settings: TrainSettings, config: ResolvedConfig, data: PreparedCorpus) -> float:
    """Train as `etude train` does, in a temporary folder."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, stop_signals() as stop:
        run = RunFolder(Path(folder))
        with logged_to(run.log), open_trackers(settings.logger, run, config, None) as trackers:
            resume = Resume(run, stop, settings.callbacks.checkpoint_minutes, None)
            callbacks = make_callbacks(settings.callbacks, run.checkpoints, console.console, resume)
            trainer = make_trainer(settings.trainer, [*callbacks, clock], trackers.loggers, run.path)
            fit(trainer, new_module(settings, data), CorpusDataModule(data, settings.seed), resume)
    return clock.labels / clock.seconds


def rate_of_bare_loop(settings: TrainSettings, data: PreparedCorpus) -> float:
    """Train the network with nothing but PyTorch."""
    module, windows = new_module(settings, data), training_windows(data, settings.seed)
    network, clip = module.network.train(), settings.trainer.gradient_clip_val
    optimizer = module._optimizer(params=network.parameters())
    epochs = settings.trainer.max_epochs
    scheduler = module.schedule.scheduler(optimizer, epochs * len(windows))
    labels, started = 0, time.process_time()
    for _ in range(epochs):
        for inputs, targets, count, _ in windows:
            logits, _ = network(inputs)
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE)
            optimizer.zero_grad()
            loss.backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
            optimizer.step()
            scheduler.step()
            labels += count
    return labels / (time.process_time() - started)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    flags, keys = parser.parse_known_args()
    main(keys, flags.epochs, flags.repeats)
