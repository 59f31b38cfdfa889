"""Clipping: the gradients are those of PyTorch's own function, to the last bit."""

import math

import pytest
import torch

from etude.models.clipping import clip_by_norm


def weights_with(gradients: list[torch.Tensor]) -> list[torch.Tensor]:
    """Weights with these gradients, and one that has none."""
    weights = [torch.zeros(gradient.shape) for gradient in gradients]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient.clone()
    return [*weights, torch.zeros(3)]


def of_length(length: float) -> list[torch.Tensor]:
    """Gradients of several shapes, together about ``length`` long."""
    torch.manual_seed(0)
    return [torch.randn(shape) * length / 359**0.5 for shape in ((7, 5), (300,), (4, 6))]


@pytest.mark.parametrize(
    "gradients",
    [
        *(of_length(length) for length in (0.01, 0.9, 1.1, 40.0)),
        [
            torch.tensor([0.0, 1.0]),
            torch.zeros(2),
        ],  # as long as is allowed: PyTorch shortens it by a millionth
        [torch.tensor([math.nan, 1.0]), torch.ones(2)],
        [torch.tensor([math.inf, 1.0]), torch.ones(2)],
    ],
    ids=["tiny", "short", "long", "very long", "at the limit", "NaN", "infinite"],
)
def test_gradients_are_clipped_as_by_pytorch(gradients: list[torch.Tensor]) -> None:
    ours, theirs = weights_with(gradients), weights_with(gradients)
    clip_by_norm(ours, 1.0)
    torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    for mine, yours in zip(ours[:-1], theirs[:-1], strict=True):
        assert mine.grad is not None
        assert yours.grad is not None
        assert torch.equal(mine.grad.view(torch.int32), yours.grad.view(torch.int32))


def test_weights_without_gradients_are_left_alone() -> None:
    weights = weights_with([])
    clip_by_norm(weights, 1.0)
    assert weights[0].grad is None
