"""Learning rate schedules."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


@dataclass(frozen=True)
class Schedule(ABC):
    """A factor on the optimizer's learning rate for each training step."""

    @abstractmethod
    def factor(self, step: int, total: int) -> float:
        """Return the factor at ``step`` (0 for the first) of ``total`` optimizer steps."""

    def scheduler(self, optimizer: torch.optim.Optimizer, total: int) -> LRScheduler:
        """Return the scheduler of ``optimizer``, to be stepped after each of its ``total`` steps."""
        return LambdaLR(optimizer, lambda step: self.factor(step, total))


@dataclass(frozen=True)
class Constant(Schedule):
    """Constant learning rate."""

    def factor(self, step: int, total: int) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True)
class Cosine(Schedule):
    """Linear warm-up over the share ``warmup`` of the steps, then cosine decay to ``final``.

    ``final`` is a share of the learning rate, too (Loshchilov & Hutter 2017, SGDR, without restarts).
    """

    warmup: float
    final: float

    def factor(self, step: int, total: int) -> float:
        """Return (step + 1) / warm-up steps, then from 1 down to ``final`` at the last step."""
        rising = round(self.warmup * total)
        if step < rising:
            return (step + 1) / rising
        done = min(1.0, (step - rising) / max(1, total - 1 - rising))
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * done)) / 2
