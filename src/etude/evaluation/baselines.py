"""Baselines: the most frequent token, and n-grams counted on the same training pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from etude.encodings.vocabulary import Vocabulary
from etude.evaluation.likelihood import Bools, LabelMetrics
from etude.models.ngram import Floats, Ids, NGram

MOST_COUNTED = 4_000_000  # training labels that n-grams are counted on: some 500 bytes each, 2 GB in all
ORDERS = 8  # 5 is best both for songs on a 1/16 grid and for ABC by the character, when split at random


@dataclass(frozen=True)
class Baseline:
    """The metrics of one simple model on held-out pieces, over all labels, terminators included.

    ``onsets``: over the onset labels alone. ``chosen`` marks the n-gram order with the fewest nats on the
    validation pieces. That is the one to compare with, since a choice on the test pieces would flatter it.
    """

    name: str
    nats: float | None
    accuracy: float
    onsets: LabelMetrics | None = None
    chosen: bool = False


@dataclass(frozen=True, eq=False)
class LabelledPieces:
    """Pieces, each an id array (length,) that ends with the terminator, and the labels that count.

    ``counted``, (labels of all pieces,), is None where all count.
    """

    pieces: Sequence[Ids]
    counted: Bools | None = None

    def of(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the entries of a (labels,) array that count."""
        return values if self.counted is None else values[self.counted]

    def every(self, step: int) -> LabelledPieces:
        """Return every ``step``-th piece."""
        if self.counted is None or step == 1:
            return LabelledPieces(self.pieces[::step], self.counted)
        parts = np.split(self.counted, np.cumsum([len(piece) for piece in self.pieces])[:-1])
        return LabelledPieces(self.pieces[::step], np.concatenate(parts[::step]))

    @property
    def labels(self) -> Ids:
        """The labels that count, piece after piece."""
        return self.of(np.concatenate(self.pieces))


def baselines(
    train: LabelledPieces,
    validation: LabelledPieces,
    held_out: LabelledPieces,
    vocabulary: Vocabulary,
    *,
    onsets: Bools | None = None,
    orders: int = ORDERS,
    most: int = MOST_COUNTED,
) -> list[Baseline]:
    """Measure "always the most frequent training token" and the n-grams up to ``orders`` on ``held_out``.

    ``onsets``, (V,), marks the ids that begin a note or a rest: in a grid encoding most labels are holds,
    which are easy, so the onsets alone say more. With more than ``most`` training labels, n-grams are counted
    on every second piece, or every third, and so on, and their names say so.
    ValueError if a set of pieces is empty, or as in `NGram.count`.
    """
    if not validation.pieces or not held_out.pieces:
        raise ValueError("baselines need validation pieces, to choose the order on, and held-out pieces")
    step = max(1, -(-sum(map(len, train.pieces)) // most))
    part = train.every(step)
    model = NGram(len(vocabulary), orders).double()
    model.count(part.pieces, part.counted)
    validation_nats = [validation.of(found.nats).mean() for found in model.predictions(validation.pieces)]
    chosen = 1 + int(np.argmin(validation_nats))

    labels = held_out.labels
    is_onset = onsets[labels] if onsets is not None else np.zeros(len(labels), dtype=np.bool_)
    frequent = int(np.bincount(train.labels).argmax())
    found = [_baseline(f"always {vocabulary.tokens[frequent]!r}", None, labels == frequent, is_onset)]
    for order, prediction in enumerate(model.predictions(held_out.pieces), start=1):
        nats, right = held_out.of(prediction.nats), labels == held_out.of(prediction.argmax)
        name = f"{order}-gram" if step == 1 else f"{order}-gram of 1 in {step} pieces"
        found.append(_baseline(name, nats, right, is_onset, chosen=order == chosen))
    return found


def _baseline(
    name: str, nats: Floats | None, right: Bools, is_onset: Bools, *, chosen: bool = False
) -> Baseline:
    every = _metrics(nats, right, np.ones_like(is_onset))
    onsets = _metrics(nats, right, is_onset) if is_onset.any() else None
    return Baseline(name, every.nats, every.accuracy, onsets, chosen)


def _metrics(nats: Floats | None, right: Bools, where: Bools) -> LabelMetrics:
    return LabelMetrics(None if nats is None else float(nats[where].mean()), float(right[where].mean()))
