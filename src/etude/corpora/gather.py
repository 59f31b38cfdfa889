"""Gather windows of a store into a batch with one indexing call, on the CPU or a GPU."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from etude.corpora.splits import Subset
from etude.corpora.store import Store

IGNORE = -100  # a target that no loss or metric counts (PyTorch's own ignore_index)

Indices = npt.NDArray[np.int64]


class Batch(NamedTuple):
    """``inputs`` (B, T) and ``targets`` (B, L): the labels of the last L ≤ T positions, IGNORE where none.

    Where several processes share a batch, ``weight`` is the number of this share's labels over that of the
    mean share: the mean over the processes, of mean losses times weights, is the mean over all labels.
    """

    inputs: Tensor
    targets: Tensor
    num_labels: int  # how many targets count
    weight: float = 1.0


def as_batch(given: Batch | Sequence[Tensor]) -> Batch:
    """Return a batch as it is, or a pair of inputs (B, T) and targets (B, L) or (B,) as a batch."""
    if isinstance(given, Batch):
        return given
    inputs, targets = given
    targets = targets[:, None] if targets.dim() == 1 else targets
    return Batch(inputs, targets, int((targets != IGNORE).sum()))


def labels_per_piece(store: Store, pieces: Indices) -> Indices:
    """Return how many labels each piece has, shape (len(pieces),): its tokens and the terminator after it."""
    counts: Indices = store.offsets[pieces + 1] - store.offsets[pieces]
    return counts


class Gather:
    """Gathers batches of windows given by piece and first label.

    Label k of a piece of n tokens is token k, or the terminator for k = n; its input is what stands
    before it. Where a window reaches past the piece, on either side, the input is the terminator and the
    target IGNORE; so is the target where the subset does not count it.

    ``device``: None reads the memory map, so that a corpus may be larger than memory; a device gets a copy
    of the corpus (4 bytes a token, 1 a label under a split by window), and batches are made there.
    """

    def __init__(self, store: Store, subset: Subset, device: torch.device | None = None) -> None:
        self._store = store
        self._device = device or torch.device("cpu")
        self._ids = _tensor(store.ids)
        self._counts = None if subset.labels is None else _tensor(subset.labels)
        if device is not None:
            self._ids = self._ids.to(device, torch.int32)  # GPUs cannot index what a store holds, uint16
            self._counts = None if self._counts is None else self._counts.to(device)

    def __call__(
        self,
        pieces: Indices,
        first: Indices,
        length: int,
        *,
        last_only: bool = False,
        counted_from: Indices | None = None,
        counted_to: Indices | None = None,
    ) -> Batch:
        """Return the windows of ``length`` inputs that start at label ``first`` of ``pieces``, each (B,).

        ``first`` may be negative. ``last_only`` gives the label at the last position alone. Labels of a piece
        before number ``counted_from`` (B,), or from ``counted_to`` (B,) on, are IGNORE.
        """
        base, labels = self._store.offsets[pieces], labels_per_piece(self._store, pieces)
        read = self._windows(self._ids, base + first, length + 1).long()
        inputs, targets = read[:, :-1], read[:, 1:]
        kept = slice(length - 1, length) if last_only else slice(0, length)
        targets = targets[:, kept]
        ignored = None
        if self._counts is not None:
            ignored = ~self._windows(self._counts, base + first, length)[:, kept]
        limited = counted_from is not None or counted_to is not None
        if limited or ((first < 0) | (first + length > labels)).any():
            label = self._on_device(first)[:, None] + torch.arange(length, device=self._device)
            end = self._on_device(labels)[:, None]
            inputs = inputs.masked_fill((label < 0) | (label >= end), 0)
            start = 0 if counted_from is None else self._on_device(counted_from)[:, None]
            stop = end if counted_to is None else self._on_device(counted_to)[:, None]
            outside = ((label < start) | (label >= torch.minimum(stop, end)))[:, kept]
            ignored = outside if ignored is None else ignored | outside
        if ignored is None:
            return Batch(inputs, targets, targets.numel())
        targets = targets.masked_fill(ignored, IGNORE)
        return Batch(inputs, targets, targets.numel() - int(ignored.sum()))

    def _windows(self, values: Tensor, starts: Indices, length: int) -> Tensor:
        """Return ``length`` values from each of ``starts``, shape (B, length); past the ends, any values."""
        if len(values) >= length and starts.min() >= 0 and starts.max() <= len(values) - length:
            # Rows within one piece are copied as slices, several times faster than value by value.
            return values.unfold(0, length, 1).index_select(0, self._on_device(starts))
        position = self._on_device(starts)[:, None] + torch.arange(length, device=self._device)
        return values[position.clamp(0, len(values) - 1)]

    def _on_device(self, indices: Indices) -> Tensor:
        return torch.from_numpy(indices).to(self._device, non_blocking=True)


def _tensor(values: npt.NDArray[np.generic]) -> Tensor:
    with warnings.catch_warnings():
        # The memory map is read-only, and nothing here writes to it.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.asarray(values))
