"""Causal windows: the last few values at every position, for networks of limited memory."""

from __future__ import annotations

import torch
from torch import Tensor

from etude.models.network import State


def causal_windows(values: Tensor, past: State | None, count: int) -> tuple[Tensor, State]:
    """Return the last ``count`` ≥ 1 of values (B, T, …) up to each position, (B, T, …, count), newest last.

    Also return the last count − 1, (count − 1, B, …), which are the next ``past``. Zeros stand before a
    piece, as 0 is the id of every terminator.
    """
    if past is None:
        past = values.new_zeros(count - 1, len(values), *values.shape[2:])
    stream = torch.cat([past.transpose(0, 1), values], dim=1)  # (B, count − 1 + T, …)
    kept = stream[:, stream.shape[1] - (count - 1) :].transpose(0, 1)
    return stream.unfold(1, count, 1), kept
