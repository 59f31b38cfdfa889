"""Relative attention as it is defined, with a vector for each pair of positions: O(L²·d) memory."""

import math

import torch
from torch import Tensor


def naive_relative_attention(queries: Tensor, keys: Tensor, values: Tensor, distances: Tensor) -> Tensor:
    """Attend from queries (H, B, T, d) at the end of keys and values (H, B, S, d); distances (H, n, d)."""
    time, num_keys, farthest = queries.shape[2], keys.shape[2], distances.shape[1] - 1
    position, other = torch.arange(num_keys - time, num_keys)[:, None], torch.arange(num_keys)[None, :]
    distance = (position - other).clamp(0, farthest)  # (T, S)
    of_pair = distances[:, farthest - distance]  # (H, T, S, d); the last row is distance 0
    content = torch.einsum("hbtd,hbsd->hbts", queries, keys)
    relative = torch.einsum("hbtd,htsd->hbts", queries, of_pair)
    logits = (content + relative) / math.sqrt(queries.shape[-1])
    weights = torch.softmax(logits.masked_fill(other > position, -math.inf), dim=-1)
    return torch.einsum("hbts,hbsd->hbtd", weights, values)
