"""Callbacks of every training: stop if a loss is not finite, validate the last weights, keep checkpoints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint

from etude.errors import EtudeError
from etude.training.settings import CallbackSettings


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


class TopCheckpoints(ModelCheckpoint):
    """The best few; a class of its own, because Lightning saves the state of a callback under its class."""


def kept_checkpoints(settings: CallbackSettings, folder: Path) -> list[ModelCheckpoint]:
    """Return a callback for each kind of checkpoint that is kept in ``folder``.

    Only validated weights are ranked. Those of every n-th step or epoch are all kept: Lightning would rank
    them by an earlier validation.
    """
    # Weights that are trained again after a kill are the same, and have the same file.
    kept: dict[str, Any] = {
        "dirpath": folder, "auto_insert_metric_name": False, "enable_version_counter": False,
    }  # fmt: skip
    # Weights are ranked at each validation. Left to itself, Lightning takes val_check_interval=1, which asks
    # for one after each step, for 1.0, one at the end of an epoch.
    ranked = {
        **kept, "monitor": settings.monitor, "mode": settings.mode, "save_on_train_epoch_end": False,
    }  # fmt: skip
    found = [ModelCheckpoint(filename="best", **ranked)]
    if settings.save_top_k != 1:
        found.append(TopCheckpoints(filename="top-{step:06d}", save_top_k=settings.save_top_k, **ranked))
    for each in found:  # a validation ranks them: Lightning need not ask after each step
        each.on_train_batch_end = None  # type: ignore[method-assign,assignment]
    if every := settings.every_n_train_steps:
        found.append(
            ModelCheckpoint(filename="step-{step:06d}", save_top_k=-1, every_n_train_steps=every, **kept)
        )
    if settings.keep_every_epoch:
        found.append(
            ModelCheckpoint(filename="epoch-{epoch:02d}", save_top_k=-1, save_on_train_epoch_end=True, **kept)
        )
    return found
