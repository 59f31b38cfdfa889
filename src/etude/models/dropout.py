"""Dropout with cheap random numbers: PyTorch's own takes a twelfth of an LSTM's step on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """Dropout that draws 16 bits for each value on the CPU, where PyTorch draws 32 and converts them.

    The rate is that of the configuration up to 1/65,536. Elsewhere, and when compiled, it is PyTorch's own.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the values, in training some of them zero and the others larger; any shape."""
        is_cheap = input.device.type == "cpu" and not torch.compiler.is_compiling()
        if not self.training or not 0 < self.p < 1 or not is_cheap:
            return super().forward(input)
        words = torch.empty((input.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        bits = words.view(torch.int16)[: input.numel()].view(input.shape)
        least = round(self.p * 2**16) - 2**15
        # Making and converting Booleans would take four times as long as all the rest.
        mask = torch.ge(bits, least, out=torch.empty_like(input, requires_grad=False))
        return input * mask.mul_(1 / (1 - self.p))
