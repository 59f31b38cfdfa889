"""The LSTM from scratch: the gate equations of "Intro to LSTMs", written out."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from etude.models.lstm import LSTMNetwork
from etude.models.module import OptimizerFactory, SequenceModule
from etude.models.network import State


class Gates(NamedTuple):
    """What a step decides, each (B, H): all but the candidate lie between 0 and 1."""

    forget: Tensor  # f_t: how much of the cell state is kept
    input: Tensor  # i_t: how much of the candidate is let in
    candidate: Tensor  # C̃_t: what may be added, between −1 and 1
    output: Tensor  # o_t: how much of the cell state is shown


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
            forget=torch.sigmoid(self.forget(both)),
            input=torch.sigmoid(self.input(both)),
            candidate=torch.tanh(self.candidate(both)),
            output=torch.sigmoid(self.output(both)),
        )

    def step(self, x: Tensor, h: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Return h_t and C_t, each (B, H)."""
        gates = self.gates(x, h)
        cell = gates.forget * cell + gates.input * gates.candidate
        h = gates.output * torch.tanh(cell)  # of the updated cell; the article's code takes the old one
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


class LSTMCellModule(SequenceModule):
    """Trains embedding → :class:`LSTMCell` → dropout → linear."""

    def __init__(
        self,
        vocabulary_size: int,
        *,
        name: str,
        embedding_dim: int | None,
        hidden_dim: int,
        dropout: float,
        optimizer: OptimizerFactory,
    ) -> None:
        network = LSTMNetwork(
            vocabulary_size,
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            dropout=dropout,
            layer=LSTMCell,
        )
        super().__init__(name, network, vocabulary_size, optimizer)
