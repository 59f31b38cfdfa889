"""Learning rate, gradient norm and speed of a training, for every logger."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
import torch

from etude.corpora.gather import Batch
from etude.models.step_log import log_step, logs_this_step
from etude.training.metrics_csv import TIMES


class StepMetrics(pl.Callback):
    """Callback that logs what a training shows beside its loss.

    ``train/lr`` and ``train/grad_norm`` (L2, before clipping) with each row of steps;
    ``time/tokens_per_second`` (labels trained on, without the validation) and ``time/epoch_seconds`` at the
    end of an epoch. A resumed epoch has no seconds: part of it was trained by another process.
    """

    def __init__(self) -> None:
        self._since = self._paused = self._validation = 0.0
        self._tokens = 0.0
        self._is_whole = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock, maybe within an epoch."""
        self._begin(is_whole=False)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock; Lightning does not call this for an epoch that is resumed."""
        self._begin(is_whole=True)

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Log learning rate and gradient norm, if this step is logged."""
        if not logs_this_step(trainer):
            return
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        if gradients:  # a model that counts has none
            rate = torch.tensor(float(optimizer.param_groups[0]["lr"]), device=gradients[0].device)
            log_step(pl_module, "train/lr", rate)
            log_step(pl_module, "train/grad_norm", torch.nn.utils.get_total_norm(gradients))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Count the labels of all processes."""
        if batch.weight:  # labels of this share over those of the mean share
            self._tokens += batch.num_labels / batch.weight * trainer.world_size

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the clock of the training."""
        self._paused = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Let the clock of the training go on."""
        self._validation += time.monotonic() - self._paused

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the speed of the epoch."""
        seconds = time.monotonic() - self._since
        metrics = {"tokens_per_second": self._tokens / max(seconds - self._validation, 1e-9)}
        if self._is_whole:
            metrics["epoch_seconds"] = seconds
        for name, value in metrics.items():
            pl_module.log(TIMES + name, value, rank_zero_only=True)

    def _begin(self, *, is_whole: bool) -> None:
        self._since, self._validation, self._tokens = time.monotonic(), 0.0, 0.0
        self._is_whole = is_whole
