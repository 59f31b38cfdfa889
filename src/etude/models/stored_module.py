"""The LightningModule of a stored training, to go on with in a Trainer of one's own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

from etude.config.build import settings_as
from etude.errors import EtudeError
from etude.models.checkpoint import load_holder
from etude.models.module import SequenceModule
from etude.models.optimizers import make_optimizer
from etude.models.schedules import Schedule, schedulers
from etude.models.settings import OptimizerConfig, ScheduleConfig


def load_module(path: Path) -> SequenceModule:
    """Load a checkpoint or an exported file with its optimizer, schedule and metadata.

    Settings, which a stranger may have made, are read as by :func:`etude.models.checkpoint.load_model`, and
    EtudeError is raised as there.
    """
    holder, stored = load_holder(path)
    config: dict[str, Any] = stored["config"]
    try:
        optim = settings_as(torch.optim.Optimizer, config["optim"], OptimizerConfig)
        schedule = settings_as((Schedule, LRScheduler), config["schedule"], ScheduleConfig)
        smoothing = float(config.get("label_smoothing", 0.0))
    except (KeyError, TypeError, ValueError) as error:
        raise EtudeError(f"{path} is damaged: its settings lack an optimizer or a schedule") from error
    optimizer = partial(make_optimizer, optim)
    if isinstance(holder, SequenceModule):
        module = holder
        module.optimizer_factory = optimizer
    else:
        network = holder.network
        size = len(stored["vocabulary"])
        module = network.training_module()(str(config["model"]["name"]), network, size, optimizer)
    module.schedulers = partial(schedulers, schedule)
    module.label_smoothing, module.metadata = smoothing, stored
    return module
