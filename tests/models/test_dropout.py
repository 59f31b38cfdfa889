"""Dropout: which values are zero, and how large the others are."""

import pytest
import torch
from torch import nn

from etude.models.dropout import Dropout


@pytest.mark.parametrize("rate", [0.003, 0.1, 0.5, 0.9])
def test_so_many_values_are_zero_and_the_mean_is_kept(rate: float) -> None:
    torch.manual_seed(0)
    given = torch.ones(1_000_001)  # no multiple of four, which are drawn at once
    found = Dropout(rate)(given)
    deviation = (rate * (1 - rate) / len(given)) ** 0.5
    assert float((found == 0).float().mean()) == pytest.approx(rate, abs=5 * deviation)
    torch.testing.assert_close(found[found != 0], given[found != 0] / (1 - rate))


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    dropped = (Dropout(0.5)(torch.ones(1_000_000)) == 0).float() - 0.5
    for distance in range(1, 9):  # four values share a random word
        assert abs(float((dropped[distance:] * dropped[:-distance]).mean())) < 5 * 0.25 / 1000


def test_values_and_gradients_are_dropped_alike_and_by_the_seed() -> None:
    given = torch.ones(3, 5, 7, requires_grad=True)
    torch.manual_seed(3)
    found = Dropout(0.4)(given)
    found.sum().backward()
    assert given.grad is not None
    assert torch.equal(given.grad, found)
    torch.manual_seed(3)
    assert torch.equal(Dropout(0.4)(given), found)


@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
def test_evaluation_and_the_ends_are_as_in_pytorch(rate: float) -> None:
    given = torch.randn(5, 3)
    for layer, theirs in ((Dropout(rate).eval(), nn.Dropout(rate).eval()), (Dropout(rate), nn.Dropout(rate))):
        if not layer.training or rate != 0.5:
            assert torch.equal(layer(given), theirs(given))
