"""Schedules: where the learning rate begins, how high it rises, where it ends."""

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from etude.config.fields import from_plain
from etude.models.schedules import Constant, Cosine, schedulers, warmed_up
from etude.models.settings import ScheduleConfig


@given(warmup=st.floats(0, 0.9), final=st.floats(0, 1), total=st.integers(20, 5000))
def test_a_cosine_rises_once_to_the_rate_and_falls_to_its_share(
    warmup: float, final: float, total: int
) -> None:
    top = round(warmup * total)
    factors = [warmed_up(Cosine(final), top, step, total) for step in range(total)]
    assert factors[:top] == sorted(factors[:top])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert max(factors) == pytest.approx(1)
    assert factors[-1] == pytest.approx(final)
    assert 0 < factors[0] <= 1
    assert min(factors) >= min(final, factors[0])


def rates(target: str, validation: list[float] | None = None, **settings: object) -> list[float]:
    """The learning rate of each of ten steps, two an epoch (of three batches and of two), from 0.5."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    trainer = SimpleNamespace(
        estimated_stepping_batches=10, num_training_batches=5, accumulate_grad_batches=3,
        val_check_interval=1.0, check_val_every_n_epoch=1,
    )  # fmt: skip
    found = schedulers(from_plain(ScheduleConfig, {"_target_": target, **settings}), optimizer, trainer)  # type: ignore[arg-type]
    rates = []
    for step in range(10):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for each in found:
            if "monitor" in each:
                if step % 2:
                    each["scheduler"].step((validation or [0.0] * 5)[step // 2])
            elif each["interval"] == "step" or step % 2:
                each["scheduler"].step()
    return rates


def test_the_optimizer_gets_the_rate_of_its_step() -> None:
    wanted = [0.5 * warmed_up(Cosine(0.1), 2, step, 10) for step in range(10)]
    cosine = "etude.models.schedules.Cosine"
    assert rates(cosine, warmup=0.2, final=0.1) == pytest.approx(wanted)
    assert rates(cosine, warmup=2, final=0.1) == pytest.approx(wanted)


def test_a_schedule_may_count_epochs() -> None:
    wanted = [0.5 * Cosine(0.1).factor(step // 2, 5) for step in range(10)]
    assert rates("etude.models.schedules.Cosine", interval="epoch", final=0.1) == pytest.approx(wanted)


@pytest.mark.parametrize(("warmup", "rising"), [(0, []), (4, [0.25, 0.5, 0.75])])
def test_schedules_of_pytorch_begin_after_the_warm_up(warmup: int, rising: list[float]) -> None:
    halved = rates("torch.optim.lr_scheduler.StepLR", warmup=warmup, step_size=5, gamma=0.5)
    assert halved == pytest.approx([0.5 * each for each in [*rising, *[1] * (5 - len(rising)), *[0.5] * 5]])


def test_the_steps_of_the_training_need_not_be_typed() -> None:
    assert rates("torch.optim.lr_scheduler.CosineAnnealingLR") == pytest.approx(
        [0.25 * (1 + math.cos(math.pi * step / 10)) for step in range(10)]
    )
    assert max(rates("torch.optim.lr_scheduler.OneCycleLR", max_lr=0.8)) == pytest.approx(0.8)


def test_the_cosine_of_pytorch_falls_after_a_warm_up_to_the_last_step() -> None:
    cosine = "torch.optim.lr_scheduler.CosineAnnealingLR"
    rising = [0.25, 0.5, 0.75, *[1.0] * 7]
    assert rates(cosine, warmup=4) == pytest.approx(
        [rise * rate for rise, rate in zip(rising, rates(cosine), strict=True)]
    )


def test_a_plateau_counts_validations() -> None:
    plateau = "torch.optim.lr_scheduler.ReduceLROnPlateau"
    found = rates(plateau, [3.0, 2.0, 2.0, 2.0, 2.0], factor=0.5, patience=1)
    assert found == [0.5] * 8 + [0.25] * 2


def test_a_constant_rate_may_have_a_warm_up() -> None:
    constant = "etude.models.schedules.Constant"
    assert rates(constant) == [0.5] * 10
    assert rates(constant, warmup=2) == [0.25] + [0.5] * 9


def test_a_constant_rate_stays() -> None:
    assert {Constant().factor(step, 10) for step in range(10)} == {1.0}
