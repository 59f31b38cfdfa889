"""Pruning: a search may end a training early when others had done better by then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import pytorch_lightning as pl

from etude.training.signals import StopSignals


class Watcher(Protocol):
    """Is told the validation loss of each epoch; answers True if the training shall stop."""

    def __call__(self, epoch: int, nats: float) -> bool:
        """Take the validation loss after ``epoch``, counted from 0."""
        ...


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Have the trainings inside tell ``watcher`` how they go."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def current_watcher() -> Watcher | None:
    """Return what is to be told; None if nobody watches."""
    return _watcher.get()


class PruningCallback(pl.Callback):
    """Tells the watcher, if there is one, and stops as on a signal: saved, ready to go on if asked for."""

    def __init__(self, stop: StopSignals) -> None:
        self._stop = stop

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell the loss; after the last epoch there is nothing left to save by stopping."""
        watcher = current_watcher()
        if watcher is None:
            return
        nats, epoch = float(trainer.callback_metrics["val/loss"]), trainer.current_epoch
        if watcher(epoch, nats) and not trainer.should_stop and epoch + 1 != trainer.max_epochs:
            self._stop.prune()
