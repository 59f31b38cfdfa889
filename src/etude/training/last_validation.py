"""Validation of the last weights of a training, wherever it ends."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl


class LastValidation(pl.Callback):
    """Callback that has the weights validated after the last step, whatever the interval of validations.

    Lightning ends at ``max_steps`` without a validation, and may not validate the last of ``max_epochs``;
    best.ckpt would then be older than it need be, or not exist.
    """

    def __init__(self) -> None:
        self._before: tuple[int | None, bool] | None = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Have the loop validate now if this was the last step."""
        last_epoch = trainer.is_last_batch and trainer.current_epoch + 1 == trainer.max_epochs
        at_limit = last_epoch or trainer.global_step == trainer.max_steps
        if at_limit or (trainer.should_stop and trainer.fit_loop._can_stop_early):
            self._before = (trainer.check_val_every_n_epoch, trainer.should_stop)
            trainer.check_val_every_n_epoch, trainer.should_stop = 1, True
        if at_limit:  # which end the training whatever the least number of epochs and steps
            trainer.fit_loop.min_epochs = trainer.fit_loop.epoch_loop.min_steps = None

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore the interval; the limit ends the training."""
        if self._before is not None:
            trainer.check_val_every_n_epoch, trainer.should_stop = self._before
            self._before = None
