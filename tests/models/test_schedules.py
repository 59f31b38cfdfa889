"""Schedules: where the learning rate begins, how high it rises, where it ends."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from etude.models.schedules import Constant, Cosine


@given(warmup=st.floats(0, 0.9), final=st.floats(0, 1), total=st.integers(20, 5000))
def test_a_cosine_rises_once_to_the_rate_and_falls_to_its_share(
    warmup: float, final: float, total: int
) -> None:
    schedule = Cosine(warmup, final)
    factors = [schedule.factor(step, total) for step in range(total)]
    top = round(warmup * total)
    assert factors[:top] == sorted(factors[:top])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert max(factors) == pytest.approx(1)
    assert factors[-1] == pytest.approx(final)
    assert 0 < factors[0] <= 1
    assert min(factors) >= min(final, factors[0])


def test_the_optimizer_gets_the_rate_of_its_step() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    schedule = Cosine(warmup=0.2, final=0.1)
    scheduler = schedule.scheduler(optimizer, 10)
    for step in range(10):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5 * schedule.factor(step, 10))
        optimizer.step()
        scheduler.step()


def test_a_constant_rate_stays() -> None:
    assert {Constant().factor(step, 10) for step in range(10)} == {1.0}
