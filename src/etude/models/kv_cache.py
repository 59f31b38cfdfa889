"""Key-value cache: the keys and values of all positions read so far."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class _Buffer:
    """Preallocated memory for further positions, shared by the states of one sequence."""

    keys: Tensor  # (H, B, capacity, d)
    values: Tensor
    filled: int  # positions that some state has taken


@dataclass(frozen=True)
class KeyValues:
    """Keys and values (H, B, S, d) of the S positions until now."""

    keys: Tensor
    values: Tensor
    buffer: _Buffer | None = None  # which the two are views of; None: no space for more


def extended(past: KeyValues | None, keys: Tensor, values: Tensor) -> KeyValues:
    """Return ``past`` (None: empty) with ``keys`` and ``values`` (H, B, T, d) appended.

    ``past`` stays valid. Memory is doubled when it is full, so that n single tokens copy O(n) positions in
    all and not O(n²). A second continuation of the same past finds its space taken and gets its own.
    """
    if past is None:
        return KeyValues(keys, values)
    if keys.requires_grad:  # gradients go through earlier tensors, which therefore must not be written to
        return KeyValues(torch.cat([past.keys, keys], dim=2), torch.cat([past.values, values], dim=2))
    start, stop = past.keys.shape[2], past.keys.shape[2] + keys.shape[2]
    buffer = past.buffer
    if buffer is None or buffer.filled != start or stop > buffer.keys.shape[2] or _is_read_only(buffer.keys):
        buffer = _Buffer(_doubled(past.keys, stop), _doubled(past.values, stop), start)
    buffer.keys[:, :, start:stop] = keys
    buffer.values[:, :, start:stop] = values
    buffer.filled = stop
    return KeyValues(buffer.keys[:, :, :stop], buffer.values[:, :, :stop], buffer)


def _doubled(known: Tensor, needed: int) -> Tensor:
    heads, batch, length, width = known.shape
    memory = known.new_empty(heads, batch, 2 * needed, width)
    memory[:, :, :length] = known
    return memory


def _is_read_only(tensor: Tensor) -> bool:
    """Return whether a tensor was made in inference mode, so that PyTorch refuses writes outside of it."""
    return tensor.is_inference() and not torch.is_inference_mode_enabled()
