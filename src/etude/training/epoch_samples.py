"""Samples of every N-th epoch, and files of the first: how the music changes while a network learns."""

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


class FirstSamples(pl.Callback):
    """Callback that calls ``write`` once, after the first epoch, since files would delay the first step."""

    def __init__(self, write: Callable[[], object]) -> None:
        self._write, self._is_written = write, False

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the files, if this is the first epoch of a training or of its resumption."""
        self.write()

    def write(self) -> None:
        """Write the files, if they are not written."""
        if not self._is_written:
            self._is_written = True
            self._write()
