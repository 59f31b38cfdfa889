"""Pruning: a search may end a training early when others had done better by then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import pytorch_lightning as pl

from etude.training.signals import StopSignals


class Watcher(Protocol):
    """Takes the validation loss of each epoch; returns True if the training shall stop."""

    def __call__(self, epoch: int, nats: float) -> bool:
        """Take the validation loss after ``epoch``, counted from 0."""
        ...


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Report the validation losses of the trainings inside to ``watcher``."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def current_watcher() -> Watcher | None:
    """Return the watcher of this training; None if there is none."""
    return _watcher.get()


class PruningCallback(pl.Callback):
    """Callback that reports to the watcher, if any, and on its request saves and stops as after a signal."""

    def __init__(self, stop: StopSignals) -> None:
        self._stop = stop

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the loss; stopping after the last epoch would save nothing."""
        watcher = current_watcher()
        if watcher is None:
            return
        nats, epoch = float(trainer.callback_metrics["val/loss"]), trainer.current_epoch
        if watcher(epoch, nats) and not trainer.should_stop and epoch + 1 != trainer.max_epochs:
            self._stop.prune()
