"""What a training tells its watcher; apart from the watcher itself, as Lightning takes seconds to import."""

from __future__ import annotations

import pytorch_lightning as pl

from etude.runs.signals import StopSignals
from etude.runs.watching import current_watcher


class TellWatcher(pl.Callback):
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
