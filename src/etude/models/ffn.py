"""A feed-forward network over the last few tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from etude.models.causal_windows import causal_windows
from etude.models.dropout import Dropout
from etude.models.network import Network, State
from etude.models.settings import FFNConfig
from etude.models.tied_weights import tie_weights


class FFNNetwork(Network):
    """Embeddings of the last ``context`` tokens, concatenated → tanh layer → dropout → linear.

    The neural language model of Bengio et al. 2003, section 2, without its direct connections.
    State: the last context − 1 ids, (context − 1, B).
    """

    def __init__(self, vocabulary_size: int, config: FFNConfig) -> None:
        super().__init__()
        self.context = config.context
        self.embedding = nn.Embedding(vocabulary_size, config.embedding_dim)
        self.hidden = nn.Linear(config.context * config.embedding_dim, config.hidden_dim)
        self.dropout = Dropout(config.dropout)
        self.linear = nn.Linear(config.hidden_dim, vocabulary_size)
        if config.tie_weights:
            tie_weights(self.embedding, self.linear)

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the hidden layer (B, T, hidden_dim) and the state after the last position."""
        windows, state = causal_windows(ids, state, self.context)  # (B, T, context)
        hidden = self.hidden(self.embedding(windows).flatten(2))
        return torch.tanh(hidden), state

    def head(self, features: Tensor) -> Tensor:
        """Return the logits (B, T, V)."""
        logits: Tensor = self.linear(self.dropout(features))
        return logits
