"""The LSTM from scratch: the gate equations of "Intro to LSTMs", written out."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from etude.models.lstm import LSTMNetwork
from etude.models.network import State


class Gates(NamedTuple):
    """The gates of a step, each (B, H); i, f and o are between 0 and 1, g between −1 and 1."""

    i: Tensor  # input gate: share of g that is added
    f: Tensor  # forget gate: share of the cell state that is kept
    g: Tensor  # candidate, the article's C̃_t
    o: Tensor  # output gate: share of the cell state that is shown


class LSTMCell(nn.Module):
    """An LSTM layer, step by step: (B, T, input_size) → hidden states (B, T, hidden_size) and (h, C).

    Each gate reads [h_{t−1}, x_t], the two concatenated, and has one bias vector. Weights begin uniform in
    ±1/√hidden_size, as those of ``torch.nn.LSTM``, whose results these are. States are (1, B, hidden_size).
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.forget = nn.Linear(hidden_size + input_size, hidden_size)
        self.input = nn.Linear(hidden_size + input_size, hidden_size)
        self.candidate = nn.Linear(hidden_size + input_size, hidden_size)
        self.output = nn.Linear(hidden_size + input_size, hidden_size)
        self.hidden_size = hidden_size
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))

    def gates(self, x: Tensor, h: Tensor) -> Gates:
        """Return the gates of one step from its input x_t (B, X) and the output before it, h_{t−1} (B, H)."""
        both = torch.cat([h, x], dim=-1)  # (B, H + X)
        return Gates(
            i=torch.sigmoid(self.input(both)),
            f=torch.sigmoid(self.forget(both)),
            g=torch.tanh(self.candidate(both)),
            o=torch.sigmoid(self.output(both)),
        )

    def step(self, x: Tensor, h: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Return h_t and C_t, each (B, H)."""
        i, f, g, o = self.gates(x, h)
        cell = f * cell + i * g
        h = o * torch.tanh(cell)  # of the updated cell; the article's code takes the old one
        return h, cell

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return every h_t (B, T, H), and h and C after the last."""
        start = inputs.new_zeros(len(inputs), self.hidden_size)
        h, cell = (start, start) if state is None else (part.squeeze(0) for part in state)
        outputs = []
        for x in inputs.unbind(dim=1):
            h, cell = self.step(x, h, cell)
            outputs.append(h)
        return torch.stack(outputs, dim=1), (h[None], cell[None])


class LSTMCellNetwork(LSTMNetwork):
    """Embedding → LSTM cells, written out → dropout → linear."""

    layer = LSTMCell
