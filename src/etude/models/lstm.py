"""LSTM layers between an embedding and a linear layer; one of them is "Musical Interrogation III"."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from etude.models.dropout import Dropout
from etude.models.lstm_step import lstm_step
from etude.models.network import Network, State, Step
from etude.models.settings import LSTMConfig, RecurrentConfig
from etude.models.tied_weights import tie_weights


class OneHot(nn.Module):
    """One-hot vectors (B, T, V) of ids (B, T)."""

    unit: Tensor

    def __init__(self, vocabulary_size: int) -> None:
        super().__init__()
        self.register_buffer("unit", torch.eye(vocabulary_size), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the rows of the identity matrix."""
        return F.embedding(ids, self.unit)


class LSTMNetwork(Network):
    """Embedding → LSTM layers, dropout between → dropout → linear (Hochreiter & Schmidhuber 1997).

    State: (h, c), each (num_layers, B, hidden_dim). Layers are LSTMs of one layer each: the dropout inside
    cuDNN's stacked LSTM cannot be repeated. ``layer`` makes one from its input and hidden size.
    """

    layer: Callable[[int, int], nn.Module] = staticmethod(partial(nn.LSTM, batch_first=True))

    def __init__(self, vocabulary_size: int, config: LSTMConfig) -> None:
        width = vocabulary_size if config.embedding_dim is None else config.embedding_dim
        self._build(vocabulary_size, nn.Embedding(vocabulary_size, width), width, config)
        if config.tie_weights:
            tie_weights(self.embedding, self.linear)

    def _build(self, vocabulary_size: int, embedding: nn.Module, width: int, config: RecurrentConfig) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.embedding = embedding
        self.lstm = self.layer(width, config.hidden_dim)
        self.upper = nn.ModuleList(
            self.layer(config.hidden_dim, config.hidden_dim) for _ in range(config.num_layers - 1)
        )
        self.dropout = Dropout(config.dropout)
        self.linear = nn.Linear(config.hidden_dim, vocabulary_size)

    @classmethod
    def own_name(cls, name: str) -> str:
        """Return the name that a tensor of the article's ``LSTMModel`` has here."""
        if upper := re.fullmatch(r"lstm\.(\w+)_l([1-9]\d*)", name):
            return f"upper.{int(upper[2]) - 1}.{upper[1]}_l0"
        return re.sub(r"^fc\.", "linear.", name)

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the hidden states of the last layer (B, T, hidden_dim) and the state after the last."""
        return self.layers(self.embedding(ids), state)

    def layers(self, vectors: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Return the hidden states of the last layer, given the vectors (B, T, D) of the tokens."""
        hidden, after = self.lstm(vectors, _of_layer(state, 0))
        states = [after]
        for number, layer in enumerate(self.upper, start=1):
            hidden, after = layer(self.dropout(hidden), _of_layer(state, number))
            states.append(after)
        h, c = zip(*states, strict=True)
        return hidden, (torch.cat(h), torch.cat(c))

    def head(self, features: Tensor) -> Tensor:
        """Return the logits (B, T, V)."""
        logits: Tensor = self.linear(self.dropout(features))
        return logits

    def stepper(self) -> Step:
        """Return a fast single step without the overhead of ``nn.LSTM`` (see :func:`lstm_step`)."""
        own = type(self).features is LSTMNetwork.features and type(self).head is LSTMNetwork.head
        hidden_step = self.hidden_stepper() if own else None
        if hidden_step is None:
            return super().stepper()  # another network's layers, or a head of its own
        to_logits, bias = self.linear.weight.detach().T.contiguous(), self.linear.bias.detach()

        def step(ids: Tensor, state: State) -> tuple[Tensor, State]:
            hidden, state = hidden_step(ids, state)
            return torch.mm(hidden, to_logits).add_(bias), state  # addmm copies the bias first

        return step

    def vectors(self) -> Tensor:
        """Return the vector of each id that a step of the layers takes, (V, D)."""
        vectors: Tensor = self.embedding(torch.arange(self.vocabulary_size, device=self.device))
        return vectors

    def hidden_stepper(self) -> Step | None:
        """Return a step to the hidden states (B, hidden_dim); None if the layers are not PyTorch's."""
        layers: list[nn.Module] = [self.lstm, *self.upper]
        if not all(type(layer) is nn.LSTM for layer in layers):
            return None
        return lstm_step(self.vectors(), layers)


def _of_layer(state: State | None, number: int) -> State | None:
    return None if state is None else tuple(part[number : number + 1] for part in state)
