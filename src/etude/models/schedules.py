"""Learning rate schedules: Étude's, any of torch.optim.lr_scheduler, and a warm-up before either."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from torch.optim.lr_scheduler import LambdaLR, LinearLR, LRScheduler, ReduceLROnPlateau

from etude.config.build import build, build_node
from etude.config.targets import load_target
from etude.errors import EtudeError
from etude.models.settings import ScheduleConfig


@dataclass(frozen=True)
class Schedule(ABC):
    """A factor on the optimizer's learning rate for each training step, or for each epoch."""

    @abstractmethod
    def factor(self, step: int, total: int) -> float:
        """Return the factor at ``step`` (0 for the first) of ``total`` steps, without warm-up."""


@dataclass(frozen=True)
class Constant(Schedule):
    """Constant learning rate."""

    def factor(self, step: int, total: int) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True)
class Cosine(Schedule):
    """Cosine decay to the share ``final`` (Loshchilov & Hutter 2017, SGDR, without restarts)."""

    final: float

    def factor(self, step: int, total: int) -> float:
        """Return a factor from 1 down to ``final`` at the last step."""
        done = min(1.0, step / max(1, total - 1))
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * done)) / 2


def warmed_up(schedule: Schedule, warmup: int, step: int, total: int) -> float:
    """Return the factor of a schedule that begins after ``warmup`` steps of a linear rise."""
    if step < warmup:
        return (step + 1) / warmup
    return schedule.factor(step - warmup, total - warmup)


def check_schedule(settings: ScheduleConfig) -> None:
    """Raise EtudeError for a class that is no schedule."""
    found = load_target(settings.builds)
    if not (isinstance(found, type) and issubclass(found, Schedule | LRScheduler)):
        raise EtudeError(f"schedule._target_={settings.builds}: is no Schedule and no LRScheduler")


def schedulers(
    settings: ScheduleConfig, optimizer: torch.optim.Optimizer, trainer: pl.Trainer
) -> list[dict[str, Any]]:
    """Return the schedulers of ``optimizer`` as Lightning's configure_optimizers takes them; [] for none."""
    if issubclass(load_target(settings.builds), LRScheduler):
        return _torch_schedulers(settings, optimizer, trainer)
    schedule: Schedule = build(settings, Schedule)
    if isinstance(schedule, Constant) and not settings.warmup:
        return []
    total = _total(settings, trainer)
    warmup = _warmup(settings, total)
    scheduler = LambdaLR(optimizer, lambda step: warmed_up(schedule, warmup, step, total))
    return [{"scheduler": scheduler, "interval": settings.interval}]


def _torch_schedulers(
    settings: ScheduleConfig, optimizer: torch.optim.Optimizer, trainer: pl.Trainer
) -> list[dict[str, Any]]:
    total = _total(settings, trainer)
    before: list[dict[str, Any]] = []
    if (rising := _warmup(settings, total)) > 1:
        linear = LinearLR(optimizer, 1 / rising, 1.0, rising - 1)  # then it leaves the rate as it is
        before.append({"scheduler": linear, "interval": settings.interval})
    offers = {"optimizer": optimizer, "T_max": total, "total_steps": total}
    scheduler = build_node(settings, LRScheduler, offers)
    config: dict[str, Any] = {"scheduler": scheduler, "interval": settings.interval}
    if isinstance(scheduler, ReduceLROnPlateau):
        if trainer.val_check_interval not in (None, 1.0):
            raise EtudeError(
                "ReduceLROnPlateau reads the validation at the end of an epoch; leave out "
                "trainer.val_check_interval, or take another schedule"
            )
        config |= {"interval": "epoch", "monitor": "val/loss", "frequency": trainer.check_val_every_n_epoch}
    return [*before, config]


def _total(settings: ScheduleConfig, trainer: pl.Trainer) -> int:
    """Return the number of steps, or epochs, of a training."""
    steps = int(trainer.estimated_stepping_batches)
    if settings.interval == "step":
        return steps
    if math.isinf(trainer.num_training_batches):  # with max_epochs=-1 Lightning has not looked yet
        trainer.fit_loop.setup_data()
    per_epoch = math.ceil(trainer.num_training_batches / trainer.accumulate_grad_batches)
    return math.ceil(steps / per_epoch)


def _warmup(settings: ScheduleConfig, total: int) -> int:
    share = settings.warmup
    return share if isinstance(share, int) else round(share * total)
