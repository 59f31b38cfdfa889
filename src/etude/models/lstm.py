"""Single-layer LSTM, the network of "Musical Interrogation III"."""

from __future__ import annotations

from torch import Tensor, nn

from etude.models.module import OptimizerFactory, SequenceModule
from etude.models.network import Network, State


class LSTMNetwork(Network):
    """Embedding → LSTM → dropout → linear (Hochreiter & Schmidhuber 1997, with forget gates).

    State: (h, c), each (1, B, hidden_dim). ``embedding_dim=None`` is as wide as the vocabulary, as published.
    """

    def __init__(
        self, vocabulary_size: int, *, embedding_dim: int | None, hidden_dim: int, dropout: float
    ) -> None:
        super().__init__()
        width = vocabulary_size if embedding_dim is None else embedding_dim
        self.embedding = nn.Embedding(vocabulary_size, width)
        self.lstm = nn.LSTM(width, hidden_dim, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_dim, vocabulary_size)

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the hidden states (B, T, hidden_dim) and the state after the last."""
        return self.lstm(self.embedding(ids), state)  # type: ignore[no-any-return]

    def head(self, features: Tensor) -> Tensor:
        """Return the logits (B, T, V)."""
        logits: Tensor = self.linear(self.dropout(features))
        return logits


class LSTMModule(SequenceModule):
    """Trains an :class:`LSTMNetwork`."""

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
            vocabulary_size, embedding_dim=embedding_dim, hidden_dim=hidden_dim, dropout=dropout
        )
        super().__init__(name, network, vocabulary_size, optimizer)
