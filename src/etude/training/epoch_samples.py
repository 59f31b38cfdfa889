"""Samples of every N-th epoch: how the music changes while a network learns."""

from __future__ import annotations

from collections.abc import Callable

import pytorch_lightning as pl


class EpochSamples(pl.Callback):
    """Callback that calls ``sample(epoch, step)`` after every ``every``-th epoch; no weight changes by it."""

    def __init__(self, every: int, sample: Callable[[int, int], object]) -> None:
        self._every, self._sample = every, sample

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Sample, on the first of several processes."""
        if (trainer.current_epoch + 1) % self._every == 0 and trainer.is_global_zero:
            self._sample(trainer.current_epoch, trainer.global_step)
