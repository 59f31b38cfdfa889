"""LSTM whose states are searched by attention, so that it can repeat an earlier phrase of the piece."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from etude.errors import EtudeError
from etude.models.kv_cache import KeyValues, extended
from etude.models.lstm import LSTMNetwork
from etude.models.network import State
from etude.models.settings import RecallLSTMConfig

BASE = 1000.0  # the slowest pair of numbers turns by one radian in about so many tokens


def rotated(vectors: Tensor, first: int) -> Tensor:
    """Turn pairs of numbers of ``vectors`` (…, T, d) by their positions, ``first`` and on (Su et al. 2021).

    The product of two such vectors depends on the distance between their positions, and not on the positions.
    """
    time, width = vectors.shape[-2:]
    place = torch.arange(first, first + time, device=vectors.device, dtype=torch.float32)
    frequency = BASE ** (-torch.arange(0, width, 2, device=vectors.device) / width)
    angle = place[:, None] * frequency
    cos, sin = angle.cos(), angle.sin()
    even, odd = vectors[..., ::2], vectors[..., 1::2]
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
    return turned.flatten(-2).to(vectors.dtype)


class Recall(nn.Module):
    """Causal attention that finds an earlier place with a like context and reads what followed it.

    The key of a position is the hidden state before its token, the value the state after it, as in the cache
    of Grave et al. (2017), but with learnt projections. With the state after the token as the key too, two
    layers would be needed to find what followed. Distances are known by rotation.
    """

    def __init__(self, hidden_dim: int, num_heads: int, head_dim: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        width = num_heads * head_dim
        self.norm = nn.LayerNorm(hidden_dim)
        self.query = nn.Linear(hidden_dim, width, bias=False)
        self.key = nn.Linear(hidden_dim, width, bias=False)
        self.value = nn.Linear(hidden_dim, width, bias=False)
        self.output = nn.Linear(width, hidden_dim, bias=False)

    def forward(self, hidden: Tensor, before: Tensor, past: KeyValues | None) -> tuple[Tensor, KeyValues]:
        """Return what is read at each position (B, T, H), and the keys and values of all positions until now.

        ``hidden`` (B, T, H): the states after the tokens; ``before`` (B, 1, H): that before the first.
        """
        states = self.norm(torch.cat([before, hidden], dim=1))
        queries = self._heads(self.query(states[:, 1:]))
        keys, values = self._heads(self.key(states[:, :-1])), self._heads(self.value(states[:, 1:]))
        seen = 0 if past is None else past.keys.shape[2]
        present = extended(past, rotated(keys, seen), values)
        read = _attended(rotated(queries, seen), present)
        outputs: Tensor = self.output(read.permute(1, 2, 0, 3).flatten(2))  # (B, T, H)
        return outputs, present

    def _heads(self, vectors: Tensor) -> Tensor:
        batch, time, width = vectors.shape
        heads = vectors.view(batch, time, self.num_heads, width // self.num_heads)
        return heads.permute(2, 0, 1, 3)  # (heads, B, T, d)


def _attended(queries: Tensor, known: KeyValues) -> Tensor:
    """Return the values that the last T positions attend to, each at its own and all earlier positions."""
    time, seen = queries.shape[2], known.keys.shape[2]
    mask, is_first_call = None, bool(time == seen)  # bool: in a trace, sizes are tensors
    if time > 1 and not is_first_call:
        mask = torch.ones(time, seen, dtype=torch.bool, device=queries.device).tril(seen - time)
    return F.scaled_dot_product_attention(
        queries, known.keys, known.values, attn_mask=mask, is_causal=is_first_call and time > 1
    )


class RecallLSTMNetwork(LSTMNetwork):
    """Embedding → LSTM layers → attention over their states, residual → layer norm → dropout → linear.

    One layer of attention over the states of an LSTM is the idea of SHA-RNN (Merity 2019). State: that of the
    LSTM layers, and the keys and values of all tokens read.
    """

    def __init__(self, vocabulary_size: int, config: RecallLSTMConfig) -> None:
        super().__init__(vocabulary_size, config)
        if config.head_dim % 2:
            raise EtudeError(f"model.head_dim={config.head_dim} must be even; type {config.head_dim + 1}")
        self.recall = Recall(config.hidden_dim, config.num_heads, config.head_dim)
        self.norm = nn.LayerNorm(config.hidden_dim)

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the features (B, T, hidden_dim), the LSTM's state, and the keys and values until now."""
        recurrent, past = (None, None) if state is None else (state[:2], state[2])
        hidden, (h, c) = super().features(ids, recurrent)
        hidden = self.dropout(hidden)
        before = torch.zeros_like(hidden[:, :1]) if recurrent is None else recurrent[0][-1][:, None]
        read, present = self.recall(hidden, before, past)
        return self.norm(hidden + self.dropout(read)), (h, c, present)
