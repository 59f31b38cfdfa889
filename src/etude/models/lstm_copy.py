"""LSTM layers with a memory of the piece, from which tokens are copied."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from etude.models.copy_memory import CopyMemory
from etude.models.lstm import LSTMNetwork
from etude.models.network import Network, State, Step
from etude.models.scale_degrees import ScaleDegrees
from etude.models.settings import CopyLSTMConfig
from etude.models.token_features import FeatureEmbedding, FeatureLinear
from etude.models.transposing_memory import TransposingMemory, Transpositions


class CopyLSTMNetwork(LSTMNetwork):
    """P(token) = (1 − g) · P(token by the LSTM layers) + g · P(token copied from earlier in the piece).

    The gate g depends on the hidden state and on the length of the longest match (see :class:`CopyMemory`).
    All of it is trained together, by the likelihood of the mixture (See et al. 2017, "Get To The Point").
    With ``token_features``, vectors and logits are sums over what tokens share: chords their pitches, by a
    ``feature_table`` (V, F); ABC text its scale degrees, by ``character_codes`` (V,). With
    ``transposed_copies``, passages are also copied at another pitch, by ``transpositions``. Logits are
    log-probabilities. Features: the hidden state, the V probabilities of copying, the trust in the longest
    match and, with scale degrees, the tonic. State: (h, c, with scale degrees the tonic (1, B), ids so far
    (S, B), matches of the last one with each of them (S, B)).
    """

    trust_range = (-2, 1)  # at first, of the shortest and the longest match

    def __init__(
        self,
        vocabulary_size: int,
        config: CopyLSTMConfig,
        feature_table: Tensor | None = None,
        character_codes: Tensor | None = None,
        transpositions: Transpositions | None = None,
    ) -> None:
        super().__init__(vocabulary_size, config)
        self.degrees: ScaleDegrees | None = None
        if character_codes is not None:
            width = config.embedding_dim or vocabulary_size
            self.degrees = ScaleDegrees(character_codes, width, config.hidden_dim)
        if feature_table is not None:
            self.embedding = FeatureEmbedding(self.embedding, feature_table)
            self.linear = FeatureLinear(self.linear, feature_table)  # type: ignore[assignment]
        longest = config.longest_match
        if transpositions is None:
            self.memory = CopyMemory(vocabulary_size, longest)
        else:
            self.memory = TransposingMemory(vocabulary_size, longest, transpositions)
        self.gate = nn.Linear(config.hidden_dim, 1)
        least, most = self.trust_range
        trust = [least + (most - least) * length / longest for length in self.memory.lengths()]
        self.trust = nn.Parameter(torch.tensor(trust))

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return hidden states, copies, trust and tonic (B, T, hidden_dim + V + 1 or 2), and the state."""
        nothing = ids[:, :0].transpose(0, 1)
        *before, past, match = (nothing, nothing) if state is None else state
        piece = torch.cat([past.transpose(0, 1), ids], dim=1)
        tonics = self._tonics(ids, piece, before)
        vectors = self.embedding(ids)
        if self.degrees is not None:
            vectors = vectors + self.degrees(ids, tonics)
        hidden, after = self.layers(vectors, tuple(before[:2]) or None)
        features, memory = self._with_copies(hidden, piece, tonics, match)
        return features, (*after, *memory)

    def _tonics(self, ids: Tensor, piece: Tensor, before: Sequence[Tensor]) -> Tensor | None:
        """Return the tonics (B, T) at ids, the last of a piece, given (h, c, tonic); None without degrees."""
        if self.degrees is None:
            return None
        if ids.shape[1] == 1:
            latest = before[2][0] if before else torch.zeros_like(ids[:, 0])
            return self.degrees.last_tonic(piece, latest)[:, None]
        return self.degrees.tonics(piece)[:, -ids.shape[1] :]

    def _with_copies(
        self, hidden: Tensor, piece: Tensor, tonics: Tensor | None, match: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the features of hidden states (B, T, hidden_dim), and the state after that of the layers."""
        if hidden.shape[1] == 1:
            copied, longest, match = self.memory.step(piece, match.transpose(0, 1))
        else:
            copied, longest, match = self.memory(piece, hidden.shape[1])
        columns = [hidden, copied, self.trust[longest][..., None]]
        after = (piece.transpose(0, 1), match.transpose(0, 1))
        if tonics is None:
            return torch.cat(columns, dim=-1), after
        return torch.cat([*columns, tonics[..., None].to(copied)], dim=-1), (tonics[:, -1][None], *after)

    def stepper(self) -> Step:
        """Return a fast single step: that of the LSTM layers, and of the memory."""
        own = type(self).features is CopyLSTMNetwork.features
        hidden_step = self.hidden_stepper() if own else None
        if hidden_step is None:
            return Network.stepper(self)

        def step(ids: Tensor, state: State) -> tuple[Tensor, State]:
            *before, past, match = state
            piece = torch.cat([past.transpose(0, 1), ids[:, None]], dim=1)
            tonics = self._tonics(ids[:, None], piece, before)
            rows = ids if tonics is None else tonics[:, 0] * self.vocabulary_size + ids
            hidden, after = hidden_step(rows, tuple(before[:2]))
            features, memory = self._with_copies(hidden[:, None], piece, tonics, match)
            return self.head(features)[:, 0], (*after, *memory)

        return step

    def vectors(self) -> Tensor:
        """Return the vector of each id (V, D), or with degrees of each id at each tonic (8 V, D)."""
        vectors = super().vectors()
        if self.degrees is None:
            return vectors
        ids = torch.arange(self.vocabulary_size, device=self.device).expand(self.degrees.degrees.shape)
        tonics = torch.arange(len(ids), device=self.device)[:, None].expand_as(ids)
        at_tonics: Tensor = vectors + self.degrees(ids, tonics)
        return at_tonics.flatten(0, 1)

    def head(self, features: Tensor) -> Tensor:
        """Return the log-probabilities (B, T, V)."""
        written, copied, gate = self.parts(features)
        gate = torch.sigmoid(gate)
        mixture = (1 - gate) * written.softmax(dim=-1) + gate * copied
        return mixture.clamp_min(torch.finfo(mixture.dtype).tiny).log()

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the LSTM layers' logits, what is copied, and the gate (B, T, 1) before its sigmoid."""
        sizes = [self.gate.in_features, self.memory.vocabulary_size, 1]
        hidden, copied, trust, tonics = torch.split(
            features, [*sizes, features.shape[-1] - sum(sizes)], dim=-1
        )
        written = super().head(hidden).to(features.dtype)
        if self.degrees is not None:
            written = written + self.degrees.logits(self.dropout(hidden), tonics[..., 0].long())
        return written, copied, self.gate(self.dropout(hidden)) + trust
