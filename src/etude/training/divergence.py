"""Divergence: a loss that is NaN or infinite ends the training."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as pl

from etude.errors import EtudeError


class DivergenceError(EtudeError):
    """The loss of a training became NaN or infinite."""


class StopOnDivergence(pl.Callback):
    """Callback that raises DivergenceError at the first training or validation loss that is not finite."""

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Check the batch's loss before it is saved or validated."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if loss is not None:  # a model that counts has none
            # All that train together stop together.
            _check(trainer, "training", float(trainer.strategy.reduce(loss, reduce_op="mean")))

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Check the validation loss before it can make a checkpoint the best."""
        if "val/loss" in trainer.callback_metrics:
            _check(trainer, "validation", float(trainer.callback_metrics["val/loss"]))


def _check(trainer: pl.Trainer, which: str, loss: float) -> None:
    if math.isfinite(loss):
        return
    group = trainer.optimizers[0].param_groups[0]
    rate = group.get("initial_lr", group["lr"])  # as configured, before any schedule
    clip = trainer.gradient_clip_val
    raise DivergenceError(
        f"the {which} loss became {loss} at step {trainer.global_step} (epoch {trainer.current_epoch + 1}): "
        f"the training has diverged. Try a smaller step, optim.lr={rate / 10:g} in place of {rate:g}, or "
        f"shorter gradients, trainer.gradient_clip_val={0.1 if clip is None else clip / 10:g} in place of "
        f"{'null' if clip is None else f'{clip:g}'}"
    )
