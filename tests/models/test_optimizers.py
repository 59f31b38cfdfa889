"""Optimizers: their arguments, and the parameters that weight decay acts on."""

from __future__ import annotations

import inspect
from dataclasses import fields
from importlib import import_module
from typing import Any

import pytest
import torch

from composed import composed
from etude.errors import EtudeError
from etude.models import settings
from etude.models.settings import OptimizerConfig
from networks import module_from

# These change how a step is computed and not its result, or are of no use in a training
UNTYPED = {"params", "foreach", "maximize", "capturable", "differentiable", "fused", "decoupled_weight_decay"}

DECLARED = [
    each
    for each in vars(settings).values()
    if isinstance(each, type) and issubclass(each, OptimizerConfig) and each.builds
]


@pytest.mark.parametrize("config", DECLARED)
def test_every_argument_is_a_setting(config: type[OptimizerConfig]) -> None:
    module, _, name = config.builds.rpartition(".")
    arguments = inspect.signature(getattr(import_module(module), name)).parameters
    assert {each.name for each in fields(config)} - set(config.for_training) == arguments.keys() - UNTYPED


@pytest.mark.parametrize("choice", ["adam", "adamw", "sgd", "rmsprop"])
def test_no_step_decays_a_bias_or_a_norm_unless_that_is_wanted(choice: str) -> None:
    for wanted in (True, False):
        config = composed("train", "model=music_transformer", "model.hidden_dim=8", "model.num_heads=2",
                          "schedule=constant", f"optim={choice}", "optim.weight_decay=0.5",
                          f"optim.decay_biases_and_norms={wanted}")  # fmt: skip
        module = module_from(config)
        optimizer: Any = module.configure_optimizers()
        before = {name: weight.detach().clone() for name, weight in module.named_parameters()}
        for weight in module.parameters():
            weight.grad = torch.zeros_like(weight)
        optimizer.step()
        assert sum(len(group["params"]) for group in optimizer.param_groups) == len(before)
        for name, weight in module.named_parameters():
            decayed = not torch.equal(weight, before[name])
            has_values = bool(before[name].any())
            assert decayed == (has_values and (weight.dim() > 1 or wanted)), name


def test_an_optimizer_without_weight_decay_says_so() -> None:
    config = composed("train", "optim._target_=torch.optim.Adafactor", "schedule=constant")
    module_from(config).configure_optimizers()
    config = composed("train", "optim._target_=torch.optim.Rprop", "optim.decay_biases_and_norms=false",
                      "schedule=constant")  # fmt: skip
    with pytest.raises(EtudeError, match="Rprop has no weight_decay"):
        module_from(config).configure_optimizers()


@pytest.mark.parametrize("choice", ["adam", "adamw"])
def test_adam_takes_the_same_steps_in_one_operation_on_the_cpu(choice: str) -> None:
    ours, plain = (
        module_from(composed("train", "schedule=constant", f"optim={choice}", "optim.weight_decay=0.1"))
        for _ in range(2)
    )
    plain.load_state_dict(ours.state_dict())
    optimizer: Any = ours.configure_optimizers()
    theirs = type(optimizer)(plain.parameters(), lr=optimizer.defaults["lr"], weight_decay=0.1, fused=False)
    assert all(group["fused"] for group in optimizer.param_groups)
    for step in range(5):
        for weight, same in zip(ours.parameters(), plain.parameters(), strict=True):
            weight.grad = torch.sin(weight.detach() * 100 + step)
            same.grad = weight.grad.clone()
        optimizer.step()
        theirs.step()
    for weight, same in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(weight, same)
