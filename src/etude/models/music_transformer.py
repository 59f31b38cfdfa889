"""Music Transformer (Huang et al. 2018): a decoder with relative attention."""

from __future__ import annotations

from torch import Tensor, nn

from etude.errors import EtudeError
from etude.models.dropout import Dropout
from etude.models.kv_cache import KeyValues
from etude.models.network import Network, State
from etude.models.relative_attention import RelativeAttention
from etude.models.settings import MusicTransformerConfig
from etude.models.sounding_notes import SoundingNotes
from etude.models.tied_weights import tie_weights


class DecoderLayer(nn.Module):
    """Pre-norm decoder layer: self-attention and a two-layer feed-forward network, each with a residual."""

    def __init__(self, config: MusicTransformerConfig) -> None:
        super().__init__()
        width, wider = config.hidden_dim, config.feedforward_dim
        self.attention_norm = nn.LayerNorm(width)
        self.attention = RelativeAttention(width, config.num_heads, config.max_distance)
        self.feedforward_norm = nn.LayerNorm(width)
        self.feedforward = nn.Sequential(nn.Linear(width, wider), nn.ReLU(), nn.Linear(wider, width))
        self.dropout = Dropout(config.dropout)

    def forward(self, inputs: Tensor, past: KeyValues | None = None) -> tuple[Tensor, KeyValues]:
        """Return the outputs (B, T, hidden_dim) and the keys and values of all positions until now."""
        read, present = self.attention(self.attention_norm(inputs), past)
        inputs = inputs + self.dropout(read)
        return inputs + self.dropout(self.feedforward(self.feedforward_norm(inputs))), present


class MusicTransformerNetwork(Network):
    """Embedding → ``num_layers`` decoder layers → layer norm → linear.

    The network knows only the distances between positions, so a piece can begin anywhere and be longer than
    the training windows. ``note_table``, of ``sounding_notes``: which notes each token
    starts and ends; the vectors of those that sound are added to the embedding. State: the keys and values
    of each layer, one entry per token read; and the notes that sound.
    """

    def __init__(
        self, vocabulary_size: int, config: MusicTransformerConfig, note_table: Tensor | None = None
    ) -> None:
        super().__init__()
        width, heads = config.hidden_dim, config.num_heads
        if width % heads:
            raise EtudeError(
                f"model.hidden_dim={width} cannot be divided among model.num_heads={heads}; "
                f"type model.hidden_dim={heads * max(1, round(width / heads))}, for instance"
            )
        self.embedding = nn.Embedding(vocabulary_size, width)
        self.dropout = Dropout(config.dropout)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, vocabulary_size)
        if config.tie_weights:
            tie_weights(self.embedding, self.linear)
        self.sounding = None if note_table is None else SoundingNotes(note_table, width)

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the features (B, T, hidden_dim) and the keys and values after the last position."""
        depth = len(self.layers)
        past, held = (state[:depth], state[depth:]) if state else ([None] * depth, ())
        vectors = self.embedding(ids)
        if self.sounding is not None:
            of_notes, held = self.sounding(ids, held or None)
            vectors = vectors + of_notes
        features = self.dropout(vectors)
        present = []
        for layer, layer_past in zip(self.layers, past, strict=True):
            features, layer_present = layer(features, layer_past)
            present.append(layer_present)
        return self.norm(features), (*present, *held)

    def head(self, features: Tensor) -> Tensor:
        """Return the logits (B, T, V)."""
        logits: Tensor = self.linear(features)
        return logits
