"""Relative causal self-attention (Shaw et al. 2018), with the memory use of Huang et al. 2018.

The query of position t gives the key of s ≤ t the logit q_t · (k_s + e_(t−s)) / √d; each head has learnt one
vector e for each distance. Heads are the first axis, (H, B, T, d): one matrix product then serves a batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from etude.models.kv_cache import KeyValues, extended

# Queries are worked through in blocks, each against the keys up to its end: the logits above the diagonal are
# mostly never computed, and those of long held-out pieces need not be in memory at once.
BLOCK = 128  # queries


def skewed(products: Tensor, num_keys: int) -> Tensor:
    """Shift q·e products from a column per distance to a column per key.

    ``products`` (…, T, n) are those of the last T of ``num_keys`` = S positions with the distances n−1 … 0,
    n ≤ S. In the result (…, T, S) column s of the row of position t holds distance t−s; keys farther than n−1
    share the farthest. Columns after t are left over from other rows and must be masked.
    """
    *batch, time, known = products.shape
    # Section 3.4.1: with one more column on the left, reading the same memory in rows of T and leaving out
    # the first moves each row one step less to the left than the row above it.
    farther = products[..., :1].expand(*batch, time, num_keys + 1 - known)
    padded = torch.cat([farther, products], dim=-1)  # (…, T, S + 1)
    return padded.flatten(-2)[..., time:].view(*batch, time, num_keys)


def attend(queries: Tensor, keys: Tensor, values: Tensor, distances: Tensor, block: int = BLOCK) -> Tensor:
    """Return the attention output of each query, (H, B, T, d), over its own and all earlier positions.

    ``queries`` (H, B, T, d) are those of the last T positions of ``keys`` and ``values`` (H, B, S, d).
    ``distances`` (H, n, d) has a row per distance n−1 … 0; distances beyond share the first row.
    """
    time, before = queries.shape[2], keys.shape[2] - queries.shape[2]
    read = []
    for start in range(0, time, block):
        stop = min(start + block, time)
        seen = before + stop
        read.append(
            _attend_whole(queries[:, :, start:stop], keys[:, :, :seen], values[:, :, :seen], distances)
        )
    return read[0] if len(read) == 1 else torch.cat(read, dim=2)


def _attend_whole(queries: Tensor, keys: Tensor, values: Tensor, distances: Tensor) -> Tensor:
    heads, batch, time, width = queries.shape
    num_keys = keys.shape[2]
    queries = queries * (1 / math.sqrt(width))
    nearest = distances[:, -num_keys:]  # (H, n, d)
    products = queries.reshape(heads, batch * time, width) @ nearest.transpose(1, 2)  # (H, B·T, n)
    bias = skewed(products.view(heads * batch, time, -1), num_keys)  # (H·B, T, S)
    logits = torch.baddbmm(bias, queries.flatten(0, 1), keys.flatten(0, 1).transpose(1, 2))
    if time > 1:  # a sum in place, since a mask would be applied once more to the gradient
        logits += logits.new_full((time, num_keys), -math.inf).triu(num_keys - time + 1)
    return (torch.softmax(logits, dim=-1) @ values.flatten(0, 1)).view(heads, batch, time, width)


class RelativeAttention(nn.Module):
    """Causal multi-head self-attention with relative positions.

    ``max_distance``: number of distances, from 0, with a vector of their own in each head.
    """

    def __init__(self, hidden_dim: int, num_heads: int, max_distance: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        width = hidden_dim // num_heads
        self.input = nn.Linear(hidden_dim, 3 * hidden_dim)
        # In place: on the meta device, where a stored model is checked, `/` would import PyTorch's compiler.
        self.distances = nn.Parameter(torch.randn(num_heads, max_distance, width).div_(math.sqrt(width)))
        self.output = nn.Linear(hidden_dim, hidden_dim)

    def forward(self, inputs: Tensor, past: KeyValues | None = None) -> tuple[Tensor, KeyValues]:
        """Return the outputs (B, T, hidden_dim) and the keys and values of all positions until now."""
        batch, time, _ = inputs.shape
        projected = self.input(inputs).view(batch, time, 3, self.num_heads, -1)  # (B, T, 3, H, d)
        queries, keys, values = projected.permute(2, 3, 0, 1, 4)  # each (H, B, T, d)
        present = extended(past, keys, values)
        read = attend(queries, present.keys, present.values, self.distances)
        outputs: Tensor = self.output(read.permute(1, 2, 0, 3).flatten(2))  # (B, T, H·d)
        return outputs, present
