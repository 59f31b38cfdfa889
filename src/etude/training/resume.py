"""Exact resume: a training killed at any moment continues bit for bit on the CPU.

A checkpoint is taken when a batch is about to be trained on: all that came before is done, logged, and
validated if it ended an epoch; nothing of the batch has happened. That is also where the random states are
put back, because everything between the start of the process and that moment may draw from them.
"""

from __future__ import annotations

import math
import random
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from torchmetrics import Metric

from etude.corpora.windows import TrainingWindows
from etude.models.module import SequenceModule
from etude.runs.folder import RunFolder
from etude.training.checkpoints import LAST, PREVIOUS, ResumePoint
from etude.training.metrics_csv import MetricsCsv
from etude.training.signals import StopSignals

ResumeState = dict[str, Any]  # tensors and plain values, for weights_only=True


class Resume(pl.Callback):
    """Callback that saves ``last.ckpt`` each epoch, every ``minutes``, and before a signal ends the run.

    Lightning's checkpoints lack the random states and the running metrics, and are taken before the metrics
    of the step are logged; this adds the missing state under ``resume`` and corrects its loops. ``start``
    is the point that an earlier attempt reached.
    """

    def __init__(
        self, run: RunFolder, stop: StopSignals, minutes: float | None, start: ResumePoint | None = None
    ) -> None:
        self._run, self.stop, self._minutes, self._start = run, stop, minutes, start
        self._started = self._saved_at = time.monotonic()
        self._order: ResumeState = {}  # of the training batches, before the one that is about to begin
        self._next_epoch: ResumeState = {}
        self._pending: ResumeState = {}  # what is to be put back when the first batch is about to begin
        self._saving = False

    @property
    def path(self) -> Path | None:
        """Checkpoint to resume from; None for a new run."""
        return self._start.path if self._start else None

    @property
    def step(self) -> int:
        """Step to resume from; 0 for a new run."""
        return self._start.step if self._start else 0

    @property
    def seconds(self) -> float:
        """Seconds spent on the run so far, including earlier attempts up to their last save."""
        return (self._start.seconds if self._start else 0.0) + time.monotonic() - self._started

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take over signal handling from Lightning, and continue with the next batch."""
        self.stop.deferred = True
        self.stop.listen()
        steps = trainer.estimated_stepping_batches
        if trainer.is_global_zero and math.isfinite(steps):
            self._run.expect(int(steps))
        if self._pending:
            # Its iterator exists already, but looks at its place only when the first batch is asked for.
            _windows(trainer).load_state_dict(self._pending["order"])

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Restore the saved state at the first batch, or save if it is time."""
        if self._pending:
            own = self._pending["processes"][trainer.global_rank]
            _restore_randomness(own["random"])
            _restore_metrics(pl_module, own["metrics"])
            # Lightning counts a step twice that was validated before the checkpoint, within an epoch
            trainer.fit_loop.epoch_loop._batches_that_stepped = self._pending["step"]
            # and leaves out the schedule at the end of an epoch that it has taken up
            trainer.fit_loop._restarting = False
            self._order, self._pending = self._pending["order"], {}
            self._saved_at = time.monotonic()
            return
        if batch_idx == 0 and self._order:  # the epoch before may have ended before its last batch
            self._order = self._next_epoch
        if batch_idx % trainer.accumulate_grad_batches:  # gathered gradients are not kept
            return
        self._agree_to_stop(trainer)
        if self._order and (batch_idx == 0 or self._is_time(trainer) or self.stop.received):
            self._save(trainer)
        self.stop.check()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record the state of the data order, since one more batch is fetched before the next save."""
        self._order, self._next_epoch = _windows(trainer).state_dict(), _windows(trainer).next_epoch()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save once more, so that a resume after the training does not repeat its last epoch."""
        self._save(trainer)
        self.stop.deferred = False
        self._agree_to_stop(trainer)
        self.stop.check()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Restore the immediate effect of signals."""
        self.stop.deferred = False

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the state that Lightning does not save, only to this callback's checkpoints."""
        if not self._saving:
            return
        loops, metrics_csv = checkpoint["loops"]["fit_loop"], _metrics_csv(trainer)
        cast(SequenceModule, pl_module).settle_metrics()
        _between_batches(loops)
        checkpoint["resume"] = {
            "step": loops["epoch_loop.state_dict"]["_batches_that_stepped"],
            "epoch": loops["epoch_progress"]["current"]["completed"],
            "seconds": self.seconds,
            "rows": metrics_csv.check if metrics_csv else {},
            "should_stop": trainer.should_stop,
            "validated": (self._run.checkpoints / "best.ckpt").exists(),
            "order": self._order,
            "processes": _of_all({"random": _randomness(), "metrics": _metrics(pl_module)}),
        }

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Read the added state; most of it is restored at the first batch."""
        for state in checkpoint["callbacks"].values():
            _moved_here(state, str(self._run.checkpoints.resolve()))
        if "resume" not in checkpoint or not trainer.training:
            return
        self._pending = checkpoint["resume"]
        trainer.should_stop = self._pending["should_stop"]  # else early stopping would need one epoch more

    def _agree_to_stop(self, trainer: pl.Trainer) -> None:
        """Stop all training processes if one of them received a signal."""
        if trainer.world_size > 1:
            some = trainer.strategy.reduce_boolean_decision(bool(self.stop.received), all=False)
            self.stop.received = self.stop.received or ("a signal to another process" if some else "")

    def _is_time(self, trainer: pl.Trainer) -> bool:
        if self._minutes is None:
            return False
        due = time.monotonic() - self._saved_at >= 60 * self._minutes
        return bool(trainer.strategy.broadcast(due)) if trainer.world_size > 1 else due

    def _save(self, trainer: pl.Trainer) -> None:
        for logger in trainer.loggers:
            if isinstance(logger, MetricsCsv):
                logger.flush()  # first, so that the file never knows less than the checkpoint
        new, last = self._run.checkpoints / "next.ckpt", self._run.checkpoints / LAST
        self._saving = True
        try:
            trainer.save_checkpoint(new, weights_only=False)
        finally:
            self._saving = False
        if trainer.is_global_zero:
            if last.exists():
                last.replace(self._run.checkpoints / PREVIOUS)
            new.replace(last)
        self._saved_at = time.monotonic()


def _metrics_csv(trainer: pl.Trainer) -> MetricsCsv | None:
    """Return the logger of metrics.csv, which the first process alone has."""
    return next((logger for logger in trainer.loggers if type(logger) is MetricsCsv), None)


def _of_all(state: ResumeState) -> list[ResumeState]:
    """Return the states of all training processes, by rank."""
    if not torch.distributed.is_initialized():
        return [state]
    states: list[ResumeState] = [{} for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather_object(states, state)
    return states


def _between_batches(loops: dict[str, Any]) -> None:
    """Set Lightning's counters of started batches and epochs to those of the completed ones.

    Its own rules for going on from within a batch or the first of an epoch skip validations, count steps
    twice, or drop the order of the data. An epoch of which some batches are completed counts as begun.
    """
    loops["state_dict"].pop("combined_loader", None)  # it is one batch ahead; see `order`
    batches, epochs = loops["epoch_loop.batch_progress"], loops["epoch_progress"]
    batches["is_last_batch"] = False
    for progress in (batches["total"], batches["current"]):
        progress["ready"] = progress["started"] = progress["processed"] = progress["completed"]
    if batches["current"]["completed"] == 0:
        for progress in (epochs["total"], epochs["current"]):
            progress["ready"] = progress["started"] = progress["processed"] = progress["completed"]


def _moved_here(state: Any, folder: str) -> None:
    """Set the folder of a ModelCheckpoint to the run's; otherwise it drops its state if the run has moved.

    One of the user's own has a folder of its name there.
    """
    if not isinstance(state, dict) or "dirpath" not in state:
        return
    before = str(state["dirpath"])
    if Path(before).parent.name == Path(folder).name:
        folder = f"{folder}/{Path(before).name}"
    state["dirpath"] = folder
    for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
        state[key] = state[key].replace(before, folder, 1)
    state["best_k_models"] = {
        path.replace(before, folder, 1): score for path, score in state["best_k_models"].items()
    }


def _windows(trainer: pl.Trainer) -> TrainingWindows:
    return cast(TrainingWindows, trainer.train_dataloader)


def _randomness() -> ResumeState:
    numbers_of_numpy: Any = np.random.get_state()
    kind, words, position, has_gauss, gauss = numbers_of_numpy
    version, numbers, next_gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [
            str(kind),
            torch.tensor(words.astype(np.int64)),
            int(position),
            int(has_gauss),
            float(gauss),
        ],
        "python": [version, torch.tensor(numbers), next_gauss],
    }


def _restore_randomness(state: ResumeState) -> None:
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([one.cpu() for one in state["cuda"]])
    kind, words, position, has_gauss, gauss = state["numpy"]
    np.random.set_state((kind, words.cpu().numpy().astype(np.uint32), position, has_gauss, gauss))
    version, numbers, next_gauss = state["python"]
    random.setstate((version, tuple(numbers.tolist()), next_gauss))


def _metrics(module: torch.nn.Module) -> ResumeState:
    """Return the accumulated state of the metrics by name, without empty ones."""
    return {
        name: {"count": metric.update_count, "states": dict(metric.metric_state)}
        for name, metric in module.named_modules()
        if isinstance(metric, Metric) and metric.update_count
    }


def _restore_metrics(module: torch.nn.Module, states: ResumeState) -> None:
    metrics = {name: metric for name, metric in module.named_modules() if isinstance(metric, Metric)}
    for name, state in states.items():
        metric = metrics[name]
        for key, value in state["states"].items():
            setattr(metric, key, value.to(metric.device) if isinstance(value, torch.Tensor) else value)
        metric._update_count, metric._computed = state["count"], None
