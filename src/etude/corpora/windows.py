"""Windows over a store: index arithmetic from a random permutation to batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from etude.corpora.augmentation import Augmentation
from etude.corpora.buckets import by_length, pool_bounds
from etude.corpora.gather import Batch, Gather, Indices, labels_per_piece
from etude.corpora.shard import ALONE, Shard
from etude.corpora.shuffle import Shuffle, random_below
from etude.corpora.splits import Subset
from etude.corpora.store import Store

CHUNK = 4096  # labels of a held-out piece in one row; bounds the memory of a batch
CONTEXT = 512  # tokens that are read again before each further chunk of a piece
ORDERED_AT_A_TIME = 4096  # windows; the order of a few costs as much to compute as of thousands


class _Rows:
    """Map of a flat row number to (entry, index within entry); entry i has ``each[i]`` rows."""

    def __init__(self, each: Indices) -> None:
        self.starts = np.concatenate([[0], np.cumsum(each)])
        self.count = int(self.starts[-1])

    def __call__(self, rows: Indices) -> tuple[Indices, Indices]:
        entry = np.searchsorted(self.starts, rows, side="right") - 1
        return entry, rows - self.starts[entry]


class _Labels:
    """Map of a flat label number to (piece, position); only labels that count."""

    def __init__(self, store: Store, subset: Subset) -> None:
        self._store, self._subset = store, subset
        if subset.labels is None:
            self._rows = _Rows(labels_per_piece(store, subset.pieces))
            self.count = self._rows.count
        else:
            self._positions = np.flatnonzero(subset.labels)
            self.count = len(self._positions)

    def __call__(self, numbers: Indices) -> tuple[Indices, Indices]:
        if self._subset.labels is None:
            entry, label = self._rows(numbers)
            return self._subset.pieces[entry], label
        position = self._positions[numbers]
        piece = np.searchsorted(self._store.offsets, position, side="right") - 1
        return piece, position - self._store.offsets[piece]


class TrainingWindows:
    """Batches of training windows of ``length`` inputs, in an order that depends only on (seed, epoch).

    ``objective="every"``: each piece is cut into the fewest windows that cover it; where they start is
    drawn anew each epoch within the slack, and each label is a target exactly once. ``objective="last"``:
    one window for each label, the label at its last position, as the tutorials have it. ``drop_last``
    leaves out a last batch that is not full.

    ``bucket``, for ``objective="every"``: windows end where their piece does, and a batch holds windows of
    near-equal length, ``batch_size`` on average, cropped to the longest of them. With ``drop_last``, the
    windows of the last batch join the others.

    Windows are computed on demand: start and memory do not grow with the number of tokens, and
    by 16 bytes for each piece. ``augment`` varies each window, as (seed, epoch) decide.
    ``device``: see :class:`Gather`. ``shard``: which rows of each batch are given, if several processes
    share it.
    The state (``state_dict``) is the epoch and the number of batches given in it, so that a resumed
    training continues with the next batch. An epoch may end before its last batch. ``repeat``: every epoch
    is the first again.
    """

    def __init__(
        self,
        store: Store,
        subset: Subset,
        *,
        length: int,
        batch_size: int,
        objective: str,
        seed: int,
        drop_last: bool = False,
        bucket: bool = False,
        repeat: bool = False,
        device: torch.device | None = None,
        shard: Shard = ALONE,
        augment: Augmentation | None = None,
    ) -> None:
        self._store, self._subset, self._length, self._shard = store, subset, length, shard
        self._augment = augment
        self._bucket = bucket and objective == "every"
        self._gather = Gather(store, subset, device)
        self._reads_ahead = device is None  # before the first epoch
        self._batch_size, self._objective, self._seed, self._repeat = batch_size, objective, seed, repeat
        if objective == "last":
            self._numbered: _Labels | _Rows = _Labels(store, subset)
        else:
            self._numbered = _Rows(-(-labels_per_piece(store, subset.pieces) // length))
        self._windows = self._numbered.count
        self._batches = self._windows // batch_size if drop_last else -(-self._windows // batch_size)
        self.epoch = 0
        self.batches_given = 0
        self._resumes = False

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[Batch]:
        # Here, not after the last batch: Lightning knows the length and does not ask for one more.
        if self.batches_given == len(self) or (self.batches_given and not self._resumes):
            self.load_state_dict(self.next_epoch())
        self._resumes = False
        if self._reads_ahead:
            self._store.read_ahead()
            self._reads_ahead = False
        order = Shuffle(self._windows, self._seed, self.epoch)
        for batch in self._by_length(order) if self._bucket else self._in_order(order):
            self.batches_given += 1
            yield self._shard.of(batch)

    def state_dict(self) -> dict[str, int]:
        """Return the position in the order, as plain values."""
        return {"epoch": self.epoch, "batches_given": self.batches_given}

    def next_epoch(self) -> dict[str, int]:
        """Return the state at the beginning of the next epoch."""
        return {"epoch": self.epoch + (not self._repeat), "batches_given": 0}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a stored position; the next iteration continues there."""
        self.epoch, self.batches_given = int(state["epoch"]), int(state["batches_given"])
        self._resumes = True

    def _in_order(self, order: Shuffle) -> Iterator[Batch]:
        """Yield the rest of an epoch's batches, of ``batch_size`` windows each."""
        ahead, ahead_from = np.empty(0, dtype=np.int64), 0
        for number in range(self.batches_given, len(self)):
            start = number * self._batch_size
            stop = min(start + self._batch_size, self._windows)
            if not ahead_from <= start < stop <= ahead_from + len(ahead):
                ahead_from = start
                ahead = order(np.arange(start, min(max(stop, start + ORDERED_AT_A_TIME), self._windows)))
            yield self._batch(ahead[start - ahead_from : stop - ahead_from])

    def _by_length(self, order: Shuffle) -> Iterator[Batch]:
        """Yield the rest of an epoch's batches of near-equal length, pool by pool."""
        for first, end in pairwise(pool_bounds(len(self))):
            if end <= self.batches_given:
                continue
            stop = self._windows if end == len(self) else end * self._batch_size
            windows = order(np.arange(first * self._batch_size, stop))
            pieces, start = self._placed(windows)
            ends = np.minimum(start + self._length, labels_per_piece(self._store, pieces))
            start = np.maximum(start, 0)
            lengths = ends - start
            batches = by_length(lengths, end - first, self._seed, self.epoch, first)
            for rows in batches[max(self.batches_given - first, 0) :]:
                longest = int(lengths[rows].max())
                batch = self._gather(pieces[rows], start[rows], longest, counted_to=ends[rows])
                yield self._varied(batch, windows[rows])

    def _batch(self, windows: Indices) -> Batch:
        if self._objective == "last":
            piece, label = self._numbered(windows)
            last = self._gather(piece, label - (self._length - 1), self._length, last_only=True)
            return self._varied(last, windows)
        return self._varied(self._gather(*self._placed(windows), self._length), windows)

    def _varied(self, batch: Batch, windows: Indices) -> Batch:
        return batch if self._augment is None else self._augment(batch, windows, self._seed, self.epoch)

    def _placed(self, windows: Indices) -> tuple[Indices, Indices]:
        """Return the piece of each window and its first label, negative where it begins before the piece."""
        entry, nth = self._numbered(windows)
        pieces = self._subset.pieces[entry]
        slack = -labels_per_piece(self._store, pieces) % self._length  # by which the windows overlap
        shift = random_below(slack + 1, entry, self._seed, self.epoch)
        return pieces, nth * self._length - shift


class HeldOutLabels:
    """Batches in which each label of a subset is a target exactly once, in a fixed order.

    ``objective="every"``: whole pieces from their first token, longest first, so each label is predicted
    from all that comes before it (in a piece of more than CHUNK labels, from CONTEXT at least).
    ``objective="last"``: one window of ``length`` inputs for each label. A batch holds ``batch_size``
    windows, or as many tokens in whole pieces. Memory: some 50 bytes for each piece, or chunk of one.
    ``shard``: which rows of each batch are given, if several processes share it.
    """

    def __init__(
        self,
        store: Store,
        subset: Subset,
        *,
        length: int,
        batch_size: int,
        objective: str,
        device: torch.device | None = None,
        shard: Shard = ALONE,
    ) -> None:
        self._store, self._subset, self._length, self._objective = store, subset, length, objective
        self._shard = shard
        self._gather = Gather(store, subset, device)
        self._labels = _Labels(store, subset)
        if objective == "last":
            self._bounds: Sequence[int] = range(0, self._labels.count + batch_size, batch_size)
        else:
            self._lay_out_pieces(batch_size * length)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __iter__(self) -> Iterator[Batch]:
        for start, stop in pairwise(self._bounds):
            batch = self._whole(slice(start, stop)) if self._objective == "every" else self._last(start, stop)
            yield self._shard.of(batch)

    def places(self) -> Iterator[tuple[Indices, Indices]]:
        """Yield for each batch the piece of each row and the number of its first label in it, both (B,)."""
        for start, stop in pairwise(self._bounds):
            if self._objective == "every":
                yield self._pieces[start:stop], self._first[start:stop]
            else:
                yield self._labels(np.arange(start, min(stop, self._labels.count)))

    def _lay_out_pieces(self, tokens_per_batch: int) -> None:
        """Cut pieces into chunks with the context before them, and sort them, longest first."""
        labels = labels_per_piece(self._store, self._subset.pieces)
        chunks = _Rows(-(-labels // CHUNK))
        entry, nth = chunks(np.arange(chunks.count))
        counted_from = nth * CHUNK
        first = np.maximum(counted_from - CONTEXT, 0)
        lengths = np.minimum(counted_from + CHUNK, labels[entry]) - first
        order = np.argsort(-lengths, kind="stable")
        self._pieces = self._subset.pieces[entry][order]
        self._first, self._lengths = first[order], lengths[order]
        self._counted_from = counted_from[order]
        bounds = [0]
        while bounds[-1] < len(order):
            step = max(1, tokens_per_batch // int(self._lengths[bounds[-1]]))
            bounds.append(min(bounds[-1] + step, len(order)))
        self._bounds = bounds

    def _whole(self, rows: slice) -> Batch:
        # A shorter chunk in the batch must not run on into the next one of its piece.
        return self._gather(
            self._pieces[rows],
            self._first[rows],
            int(self._lengths[rows.start]),
            counted_from=self._counted_from[rows],
            counted_to=self._first[rows] + self._lengths[rows],
        )

    def _last(self, start: int, stop: int) -> Batch:
        piece, label = self._labels(np.arange(start, min(stop, self._labels.count)))
        return self._gather(piece, label - (self._length - 1), self._length, last_only=True)
