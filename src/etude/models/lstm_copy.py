"""LSTM layers with a memory of the piece, from which tokens are copied."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from etude.models.copy_memory import CopyMemory
from etude.models.lstm import LSTMNetwork
from etude.models.network import Network, State, Step
from etude.models.settings import CopyLSTMConfig
from etude.models.token_features import FeatureEmbedding, FeatureLinear


class CopyLSTMNetwork(LSTMNetwork):
    """P(token) = (1 − g) · P(token by the LSTM layers) + g · P(token copied from earlier in the piece).

    The gate g depends on the hidden state and on the length of the longest match (see :class:`CopyMemory`).
    All of it is trained together, by the likelihood of the mixture (See et al. 2017, "Get To The Point").
    ``feature_table`` (V, F), of ``token_features``: which features each token has, with vectors of their own.
    Logits are log-probabilities. Features: the hidden state, the V probabilities of copying and the trust in
    the longest match. State: (h, c, ids so far (S, B), matches of the last one with each of them (S, B)).
    """

    trust_range = (-2, 1)  # at first, of the shortest and the longest match

    def __init__(
        self, vocabulary_size: int, config: CopyLSTMConfig, feature_table: Tensor | None = None
    ) -> None:
        super().__init__(vocabulary_size, config)
        if feature_table is not None:
            self.embedding = FeatureEmbedding(self.embedding, feature_table)
            self.linear = FeatureLinear(self.linear, feature_table)  # type: ignore[assignment]
        self.memory = CopyMemory(vocabulary_size, config.longest_match)
        self.gate = nn.Linear(config.hidden_dim, 1)
        longest = config.longest_match
        least, most = self.trust_range
        trust = [least + (most - least) * length / longest for length in range(longest + 1)]
        self.trust = nn.Parameter(torch.tensor(trust))

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return hidden states, copied tokens and trust, (B, T, hidden_dim + V + 1), and the next state."""
        nothing = ids[:, :0].transpose(0, 1)
        *of_lstm, past, match = (nothing, nothing) if state is None else state
        hidden, after = super().features(ids, tuple(of_lstm) or None)
        features, memory = self._with_copies(hidden, ids, past, match)
        return features, (*after, *memory)

    def _with_copies(
        self, hidden: Tensor, ids: Tensor, past: Tensor, match: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the features of hidden states (B, T, hidden_dim), the piece so far and its matches."""
        piece = torch.cat([past.transpose(0, 1), ids], dim=1)
        if ids.shape[1] == 1:
            copied, longest, match = self.memory.step(piece, match.transpose(0, 1))
        else:
            copied, longest, match = self.memory(piece, ids.shape[1])
        features = torch.cat([hidden, copied, self.trust[longest][..., None]], dim=-1)
        return features, (piece.transpose(0, 1), match.transpose(0, 1))

    def stepper(self) -> Step:
        """Return a fast single step: that of the LSTM layers, and of the memory."""
        own = type(self).features is CopyLSTMNetwork.features
        hidden_step = self.hidden_stepper()
        if not own or hidden_step is None:
            return Network.stepper(self)

        def step(ids: Tensor, state: State) -> tuple[Tensor, State]:
            *of_lstm, past, match = state
            hidden, after = hidden_step(ids, tuple(of_lstm))
            features, memory = self._with_copies(hidden[:, None], ids[:, None], past, match)
            return self.head(features)[:, 0], (*after, *memory)

        return step

    def head(self, features: Tensor) -> Tensor:
        """Return the log-probabilities (B, T, V)."""
        written, copied, gate = self.parts(features)
        gate = torch.sigmoid(gate)
        mixture = (1 - gate) * written.softmax(dim=-1) + gate * copied
        return mixture.clamp_min(torch.finfo(mixture.dtype).tiny).log()

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the LSTM layers' logits, what is copied, and the gate (B, T, 1) before its sigmoid."""
        sizes = [self.gate.in_features, self.memory.vocabulary_size, 1]
        hidden, copied, trust = torch.split(features, sizes, dim=-1)
        written = super().head(hidden).to(features.dtype)
        return written, copied, self.gate(self.dropout(hidden)) + trust
