"""Optimizers, and the parameters that their weight decay acts on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from etude.config.build import build
from etude.errors import EtudeError
from etude.models.settings import OptimizerConfig


def make_optimizer(settings: OptimizerConfig, params: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer of ``params``; EtudeError if it lacks a weight decay to exempt some from."""
    optimizer: torch.optim.Optimizer = build(
        settings, torch.optim.Optimizer, params=_groups(settings, params)
    )
    _fuse(optimizer)
    return optimizer


def _fuse(optimizer: torch.optim.Optimizer) -> None:
    """Have Adam take its step in one operation on the CPU, where PyTorch's default takes ten for each weight.

    On a GPU that would rule out the clipping of gradients in 16-mixed.
    """
    if not isinstance(optimizer, torch.optim.Adam):  # nor AdamW, which inherits from it
        return
    for group in optimizer.param_groups:
        unset = group["fused"] is None and group["foreach"] is None and not group["differentiable"]
        if unset and all(weight.device.type == "cpu" for weight in group["params"]):
            group["fused"] = True


def _groups(settings: OptimizerConfig, params: Iterable[nn.Parameter]) -> list[Any]:
    found = list(params)
    if settings.decay_biases_and_norms:
        return found
    if getattr(settings, "weight_decay", None) is None:
        name = settings.builds.rpartition(".")[2]
        raise EtudeError(
            f"{name} has no weight_decay; leave out optim.decay_biases_and_norms=false, or take optim=adamw"
        )
    # Matrices have two axes or more, biases and the scales of norms one.
    matrices = {"params": [each for each in found if each.dim() > 1]}
    vectors = {"params": [each for each in found if each.dim() <= 1], "weight_decay": 0.0}
    return [group for group in (matrices, vectors) if group["params"]]
