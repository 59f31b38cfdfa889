"""Measure labels per second of processor time: `etude train`'s step loop against a bare PyTorch loop.

    python benchmarks/training_step.py [KEY=VALUE ...] [--epochs 1] [--repeats 3]
    python benchmarks/bench.py --only training_step

Both train the same network on the same windows, alternately and in this process: first with the trainer,
callbacks, metrics, progress bar and CSV log of `etude train`, then with forward, loss, backward, clipping,
optimizer and scheduler alone. The bare loop has PyTorch's own dropout, Adam at its defaults and no
deterministic mode, as a loop in a tutorial has; "tuned" is the same loop with Étude's dropout and fused Adam.
Only training steps are timed, with the batches they read, not validation. Each is measured with windows in
random order and with windows of near-equal length (data.bucket). The fill is the share of positions that have
a label. Each number is the best of the repeats. "products": the matrix products of the same steps alone, each
weight matrix with all positions of a batch at once, forward and backward. A recurrent network cannot do that,
since each position needs the one before.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from machine import heading, print_table
from rows import Row, Scale, pick

from etude.commands import console
from etude.config.build import build
from etude.config.compose import compose, plain
from etude.config.fields import from_plain
from etude.config.resolved import ResolvedConfig
from etude.corpora.batches import training_windows
from etude.corpora.data_module import CorpusDataModule
from etude.corpora.gather import IGNORE, Batch
from etude.corpora.prepared import PreparedCorpus
from etude.models.dropout import Dropout
from etude.models.module import SequenceModule, build_module
from etude.models.optimizers import make_optimizer
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


def rows(scale: Scale) -> list[Row]:
    found = []
    batches, repeats = pick(scale, 3, 100, 300), pick(scale, 1, 1, 3)
    for model, hidden in (("lstm", 128), ("lstm", 256), ("lstm_copy", 128)):
        limits = [f"model={model}", f"model.hidden_dim={hidden}", f"trainer.limit_train_batches={batches}"]
        data, settings, config = configured([*limits, "trainer.limit_val_batches=1", "trainer.max_epochs=1"])
        ours, bare, tuned, products = rates(data, settings, config, repeats)
        what, aim = f"training step, {model} of {hidden}", None if hidden == 128 else 0.75
        found += [
            Row(what, ours, "labels/s", "a bare PyTorch loop", bare, True, 1.0),
            Row(what, ours, "labels/s", "the same with our Adam and dropout", tuned, True),
            Row(what, ours, "labels/s", "its matrix products alone", products, True, aim),
        ]
    return found


def main(overrides: list[str], epochs: int, repeats: int) -> None:
    print(heading("Labels a second of processor time, training steps alone"), flush=True)
    table = [
        [
            "",
            "fill",
            "labels/s, etude train",
            "labels/s, bare loop",
            "ratio",
            "labels/s, tuned",
            "labels/s, products",
        ]
    ]
    for bucket in ("false", "true"):
        chosen = [*overrides, f"data.bucket={bucket}", f"trainer.max_epochs={epochs}"]
        data, settings, config = configured(chosen)
        ours, bare, tuned, products = rates(data, settings, config, repeats)
        table.append(
            [
                f"data.bucket={bucket}",
                f"{fill(data):.1%}",
                f"{ours:,.0f}",
                f"{bare:,.0f}",
                f"{ours / bare:.2f}",
                f"{tuned:,.0f}",
                f"{products:,.0f}",
            ]
        )
    print_table(table)


def configured(overrides: list[str]) -> tuple[PreparedCorpus, TrainSettings, ResolvedConfig]:
    config = ResolvedConfig(plain(compose("train", [*overrides, "logger=csv"])))
    settings = from_plain(TrainSettings, config)
    torch.set_num_threads(settings.threads)
    data: PreparedCorpus = build(settings.data, PreparedCorpus)
    return data, settings, config


def rates(
    data: PreparedCorpus, settings: TrainSettings, config: ResolvedConfig, repeats: int
) -> tuple[float, float, float, float]:
    """Return labels per second of `etude train`, of the bare loop and the tuned one, and of the products."""
    ours = bare = tuned = products = 0.0
    for _ in range(repeats):
        ours = max(ours, rate_of_etude(settings, config, data))
        bare = max(bare, rate_of_bare_loop(settings, data, tuned=False))
        tuned = max(tuned, rate_of_bare_loop(settings, data, tuned=True))
        products = max(products, rate_of_products(settings, data))
    return ours, bare, tuned, products


def fill(data: PreparedCorpus) -> float:
    """Return the share of an epoch's positions that have a label."""
    batches = list(training_windows(data, 0))
    return sum(batch.num_labels for batch in batches) / sum(batch.targets.numel() for batch in batches)


def new_module(settings: TrainSettings, data: PreparedCorpus) -> SequenceModule:
    pl.seed_everything(settings.seed, verbose=False)
    return build_module(settings.model, settings.optim, settings.schedule, data.vocabulary, data.encoding)


def rate_of_etude(settings: TrainSettings, config: ResolvedConfig, data: PreparedCorpus) -> float:
    """Train as `etude train` does, in a temporary folder."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, stop_signals() as stop:
        run = RunFolder(Path(folder))
        with logged_to(run.log), open_trackers(settings.logger, run, config, None) as trackers:
            resume = Resume(run, stop, settings.callbacks.checkpoint_minutes, None)
            callbacks = make_callbacks(settings.callbacks, run.checkpoints, console.console, resume)
            loggers = [each.logger for each in trackers]
            trainer = make_trainer(settings.trainer, [*callbacks, clock], loggers, run.path)
            fit(trainer, new_module(settings, data), CorpusDataModule(data, settings.seed), resume)
    return clock.labels / clock.seconds


def rate_of_bare_loop(settings: TrainSettings, data: PreparedCorpus, *, tuned: bool) -> float:
    """Train the network in a plain loop; if not ``tuned``, with nothing but PyTorch."""
    torch.use_deterministic_algorithms(False)  # which a training of Étude has set for the process
    network, windows = new_module(settings, data).network.train(), training_windows(data, settings.seed)
    clip = settings.trainer.gradient_clip_val
    optimizer = make_optimizer(settings.optim, network.parameters())
    if not tuned:
        for group in optimizer.param_groups:
            group["fused"] = None
        for parent, name, part in [(p, *child) for p in network.modules() for child in p.named_children()]:
            if isinstance(part, Dropout):
                setattr(parent, name, torch.nn.Dropout(part.p))
    epochs = settings.trainer.max_epochs
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(windows))
    labels, started = 0, time.process_time()
    for _ in range(epochs):
        for inputs, targets, count, _ in islice(windows, settings.trainer.limit_train_batches):
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


def rate_of_products(settings: TrainSettings, data: PreparedCorpus) -> float:
    """Do the matrix products of the same steps, forward and for both gradients, and nothing else."""
    network = new_module(settings, data).network
    weights = [
        each.detach()
        for name, each in network.named_parameters()
        if each.dim() == 2 and "embedding" not in name
    ]
    batches = list(islice(training_windows(data, settings.seed), settings.trainer.limit_train_batches or 200))
    labels, started = 0, time.process_time()
    for batch in batches:
        for weight in weights:
            inputs = weight.new_ones(batch.targets.numel(), weight.shape[1])
            outputs = inputs @ weight.T
            _ = outputs @ weight, outputs.T @ inputs
        labels += batch.num_labels
    return labels / (time.process_time() - started)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    flags, keys = parser.parse_known_args()
    main(keys, flags.epochs, flags.repeats)
