"""Music Transformer (Huang et al. 2018): a decoder whose attention knows how far back it looks."""

from __future__ import annotations

from torch import Tensor, nn

from etude.errors import EtudeError
from etude.models.kv_cache import KeyValues
from etude.models.module import OptimizerFactory, SequenceModule
from etude.models.network import Network, State
from etude.models.relative_attention import RelativeAttention


class DecoderLayer(nn.Module):
    """Attention, then two linear layers at each position, each on the normalised input and added to it."""

    def __init__(
        self, hidden_dim: int, num_heads: int, feedforward_dim: int, max_distance: int, dropout: float
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(hidden_dim)
        self.attention = RelativeAttention(hidden_dim, num_heads, max_distance)
        self.feedforward_norm = nn.LayerNorm(hidden_dim)
        self.feedforward = nn.Sequential(
            nn.Linear(hidden_dim, feedforward_dim), nn.ReLU(), nn.Linear(feedforward_dim, hidden_dim)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, past: KeyValues | None = None) -> tuple[Tensor, KeyValues]:
        """Return the outputs (B, T, hidden_dim) and the keys and values of all positions until now."""
        read, present = self.attention(self.attention_norm(inputs), past)
        inputs = inputs + self.dropout(read)
        return inputs + self.dropout(self.feedforward(self.feedforward_norm(inputs))), present


class MusicTransformerNetwork(Network):
    """Embedding → ``num_layers`` decoder layers → layer norm → linear.

    Positions are known by their distances alone, so that a piece can be read from anywhere and go on past
    the length of the training windows. State: the keys and values of each layer, one entry per token read.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        hidden_dim: int,
        num_layers: int,
        num_heads: int,
        feedforward_dim: int,
        max_distance: int,
        dropout: float,
    ) -> None:
        super().__init__()
        if hidden_dim % num_heads:
            raise EtudeError(
                f"model.hidden_dim={hidden_dim} cannot be shared out among model.num_heads={num_heads}; "
                f"type model.hidden_dim={num_heads * max(1, round(hidden_dim / num_heads))}, for instance"
            )
        self.embedding = nn.Embedding(vocabulary_size, hidden_dim)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            DecoderLayer(hidden_dim, num_heads, feedforward_dim, max_distance, dropout)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(hidden_dim)
        self.linear = nn.Linear(hidden_dim, vocabulary_size)

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the features (B, T, hidden_dim) and the keys and values after the last position."""
        features = self.dropout(self.embedding(ids))
        past = state or [None] * len(self.layers)
        present = []
        for layer, layer_past in zip(self.layers, past, strict=True):
            features, layer_present = layer(features, layer_past)
            present.append(layer_present)
        return self.norm(features), tuple(present)

    def head(self, features: Tensor) -> Tensor:
        """Return the logits (B, T, V)."""
        logits: Tensor = self.linear(features)
        return logits


class MusicTransformerModule(SequenceModule):
    """Trains a :class:`MusicTransformerNetwork`."""

    def __init__(
        self,
        vocabulary_size: int,
        *,
        name: str,
        hidden_dim: int,
        num_layers: int,
        num_heads: int,
        feedforward_dim: int,
        max_distance: int,
        dropout: float,
        optimizer: OptimizerFactory,
    ) -> None:
        network = MusicTransformerNetwork(
            vocabulary_size,
            hidden_dim=hidden_dim,
            num_layers=num_layers,
            num_heads=num_heads,
            feedforward_dim=feedforward_dim,
            max_distance=max_distance,
            dropout=dropout,
        )
        super().__init__(name, network, vocabulary_size, optimizer)
