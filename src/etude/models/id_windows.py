"""Context windows: the last few ids at every position, for networks of limited memory."""

from __future__ import annotations

import torch
from torch import Tensor

from etude.models.network import State

TERMINATOR_ID = 0  # of every vocabulary; it stands for all that is before a piece


def last_ids(ids: Tensor, state: State | None, count: int) -> tuple[Tensor, State]:
    """Return the last ``count`` ≥ 1 ids up to each position, (B, T, count), newest last, and the new state.

    The state is the last count − 1 ids, (count − 1, B).
    """
    past = ids.new_full((count - 1, len(ids)), TERMINATOR_ID) if state is None else state
    stream = torch.cat([past.transpose(0, 1), ids], dim=1)  # (B, count − 1 + T)
    kept = stream[:, stream.shape[1] - (count - 1) :].transpose(0, 1)
    return stream.unfold(1, count, 1), kept
