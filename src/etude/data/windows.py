"""Windows: index arithmetic over a store; a batch is one gather."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from etude.data.store import Store

IGNORE = -100  # a target that no loss or metric counts (PyTorch's own ignore_index)

Indices = npt.NDArray[np.int64]


class Batch(NamedTuple):
    """``inputs`` (B, T) and ``targets`` (B, L): the labels of the last L ≤ T positions, IGNORE where none."""

    inputs: torch.Tensor
    targets: torch.Tensor
    num_labels: int  # how many targets count


def labels_per_piece(store: Store, pieces: Indices) -> Indices:
    """Return how many labels each piece has, shape (len(pieces),): its tokens and the terminator after it."""
    counts: Indices = store.offsets[pieces + 1] - store.offsets[pieces]
    return counts


def gather(store: Store, pieces: Indices, first: Indices, length: int) -> tuple[Indices, Indices]:
    """Return inputs and targets, each (B, length), of windows that start at label ``first`` of ``pieces``.

    Label k of a piece of n tokens is token k, or the terminator for k = n; its input is what stands
    before it. Where a window reaches past the piece, on either side, the input is the terminator and the
    target IGNORE. ``pieces`` and ``first`` have shape (B,); ``first`` may be negative.
    """
    label = first[:, None] + np.arange(length)  # (B, length)
    base = store.offsets[pieces][:, None]
    inside = (label >= 0) & (label < labels_per_piece(store, pieces)[:, None])
    position = np.where(inside, base + label, 0)
    after = np.where(inside, position + 1, 0)
    inputs = np.where(inside, store.ids[position].astype(np.int64), 0)
    targets = np.where(inside, store.ids[after].astype(np.int64), IGNORE)
    return inputs, targets


def _batch(inputs: Indices, targets: Indices) -> Batch:
    return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), int((targets != IGNORE).sum()))


class TrainingWindows:
    """Batches of training windows of ``length`` inputs, in an order that depends on (seed, epoch) alone.

    ``objective="every"``: each piece is cut into the fewest windows that cover it; where they start is
    drawn anew each epoch within the slack, and each label is a target exactly once. ``objective="last"``:
    one window for each label, the label at its last position, as the tutorials have it.

    The state (``state_dict``) is the epoch and the number of batches given in it, so that a resumed
    training goes on with the very next batch.
    """

    def __init__(
        self,
        store: Store,
        pieces: Indices,
        *,
        length: int,
        batch_size: int,
        objective: str,
        seed: int,
    ) -> None:
        self._store, self._length, self._batch_size = store, length, batch_size
        self._objective, self._seed = objective, seed
        labels = labels_per_piece(store, pieces)
        self._windows_each = labels if objective == "last" else -(-labels // length)
        self._slack_each = self._windows_each * length - labels  # read for "every" alone
        self._pieces = pieces
        self.epoch = 0
        self.batches_given = 0

    def __len__(self) -> int:
        return math.ceil(int(self._windows_each.sum()) / self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        # Here, not after the last batch: Lightning knows the length and does not ask for one more.
        if self.batches_given == len(self):
            self.epoch, self.batches_given = self.epoch + 1, 0
        rng = np.random.default_rng([self._seed, self.epoch])
        piece, first = self._windows(rng)
        order = rng.permutation(len(piece))
        while self.batches_given < len(self):
            start = self.batches_given * self._batch_size
            chosen = order[start : start + self._batch_size]
            self.batches_given += 1
            yield self._batch(piece[chosen], first[chosen])

    def state_dict(self) -> dict[str, int]:
        """Return where the order stands, as plain values."""
        return {"epoch": self.epoch, "batches_given": self.batches_given}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a stored state."""
        self.epoch, self.batches_given = int(state["epoch"]), int(state["batches_given"])

    def _windows(self, rng: np.random.Generator) -> tuple[Indices, Indices]:
        """Piece and first label of every window of an epoch, each (W,)."""
        piece = np.repeat(self._pieces, self._windows_each)
        starts = np.cumsum(self._windows_each) - self._windows_each
        nth = np.arange(len(piece)) - np.repeat(starts, self._windows_each)
        if self._objective == "last":
            return piece, nth - (self._length - 1)
        shift = rng.integers(0, self._slack_each + 1)
        return piece, nth * self._length - np.repeat(shift, self._windows_each)

    def _batch(self, piece: Indices, first: Indices) -> Batch:
        inputs, targets = gather(self._store, piece, first, self._length)
        return _batch(inputs, targets[:, -1:] if self._objective == "last" else targets)


class HeldOutPieces:
    """Batches in which each label of ``pieces`` is a target exactly once, in a fixed order.

    ``objective="every"``: whole pieces from their first token, longest first, so each label is predicted
    from all that comes before it. ``objective="last"``: one window of ``length`` inputs for each label.
    A batch holds about ``tokens_per_batch`` inputs.
    """

    def __init__(
        self, store: Store, pieces: Indices, *, length: int, objective: str, tokens_per_batch: int
    ) -> None:
        self._store, self._length, self._objective = store, length, objective
        labels = labels_per_piece(store, pieces)
        if objective == "last":
            self._pieces = np.repeat(pieces, labels)
            starts = np.cumsum(labels) - labels
            self._first = np.arange(len(self._pieces)) - np.repeat(starts, labels) - (length - 1)
            size = max(1, tokens_per_batch // length)
            self._bounds = [*range(0, len(self._pieces), size), len(self._pieces)]
        else:
            order = np.argsort(-labels, kind="stable")
            self._pieces, lengths = pieces[order], labels[order]
            self._first = np.zeros(len(pieces), dtype=np.int64)
            self._bounds = [0]
            while self._bounds[-1] < len(pieces):
                longest = int(lengths[self._bounds[-1]])
                step = max(1, tokens_per_batch // longest)
                self._bounds.append(min(self._bounds[-1] + step, len(pieces)))

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __iter__(self) -> Iterator[Batch]:
        for start, stop in zip(self._bounds, self._bounds[1:], strict=False):
            pieces, first = self._pieces[start:stop], self._first[start:stop]
            whole = self._objective == "every"
            length = int(labels_per_piece(self._store, pieces).max()) if whole else self._length
            inputs, targets = gather(self._store, pieces, first, length)
            yield _batch(inputs, targets if whole else targets[:, -1:])
