"""Processor time of a training step of several small LSTMs: one after another, and as one batched model.

    python benchmarks/batched_models.py [--models 16] [--hidden 16,32,64,128]

A step is the forward and backward pass of 16 windows of 64 positions, one layer, one thread. "one after
another" is `nn.LSTM`, whose layer is one fused call; "as one" writes the cell out, with the same products for
all models at once, since `nn.LSTM` takes one model's weights. Both give the same outputs.
"""

from __future__ import annotations

import argparse
from functools import partial

import torch
from machine import heading, print_table
from rows import processor_seconds
from torch import Tensor, nn

WINDOWS, LENGTH = 16, 64


def main(models: int, widths: list[int]) -> None:
    torch.set_num_threads(1)
    print(heading(f"A step of {models} LSTMs, {WINDOWS} windows of {LENGTH}"))
    table = [("hidden", "one after another (ms)", "as one (ms)", "times better")]
    for width in widths:
        torch.manual_seed(0)
        layers = [nn.LSTM(width, width, batch_first=True) for _ in range(models)]
        inputs = torch.randn(models, WINDOWS, LENGTH, width)
        weights = [
            stacked(layers, name) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        ]
        alone = torch.stack([layer(rows)[0] for layer, rows in zip(layers, inputs, strict=True)])
        torch.testing.assert_close(as_one(inputs, *weights), alone)

        ways = (partial(one_after_another, layers, inputs), partial(together, inputs, weights))
        found = [1000 * processor_seconds(way) for way in ways]
        table.append((str(width), *(f"{each:.1f}" for each in found), f"{found[0] / found[1]:.2f}"))
    print_table(table)


def one_after_another(layers: list[nn.LSTM], inputs: Tensor) -> None:
    for layer, rows in zip(layers, inputs, strict=True):
        layer(rows)[0].sum().backward()


def together(inputs: Tensor, weights: list[Tensor]) -> None:
    as_one(inputs, *weights).sum().backward()


def stacked(layers: list[nn.LSTM], name: str) -> Tensor:
    """Return a weight of all models as one leaf, shape (models, …)."""
    return torch.stack([getattr(layer, name).detach() for layer in layers]).requires_grad_()


def as_one(inputs: Tensor, input_weight: Tensor, state_weight: Tensor, bias: Tensor, other: Tensor) -> Tensor:
    """Return the outputs (models, windows, length, hidden) of all models."""
    models, windows, length, width = inputs.shape
    flat = inputs.reshape(models, windows * length, width)
    given = torch.baddbmm((bias + other)[:, None], flat, input_weight.mT)
    given = given.reshape(models, windows, length, 4 * width)
    state = cell = inputs.new_zeros(models, windows, width)
    outputs = []
    for time in range(length):
        i, f, g, o = torch.baddbmm(given[:, :, time], state, state_weight.mT).chunk(4, -1)
        cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
        state = o.sigmoid() * cell.tanh()
        outputs.append(state)
    return torch.stack(outputs, 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=16)
    parser.add_argument("--hidden", default="16,32,64,128")
    chosen = parser.parse_args()
    main(chosen.models, [int(width) for width in chosen.hidden.split(",")])
