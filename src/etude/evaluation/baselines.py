"""Baselines: the most frequent token, n-grams counted on the same training pieces, and xz for text."""

from __future__ import annotations

import lzma
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from etude.encodings.vocabulary import Vocabulary
from etude.evaluation.likelihood import Bools, LabelMetrics
from etude.models.ngram import Floats, Ids, NGram

MOST_COUNTED = 4_000_000  # training labels that n-grams are counted on: some 500 bytes each, 2 GB in all
ORDERS = 8  # 5 is best both for songs on a 1/16 grid and for ABC by the character, when split at random
LONGEST_TEXT = 4_000_000  # bytes of training text that xz reads, the last ones: some seconds of work


@dataclass(frozen=True)
class Baseline:
    """The metrics of one simple model on held-out pieces, over all labels, terminators included.

    ``onsets``: over the labels that begin a note. ``chosen`` marks the n-gram order with the fewest nats on
    the validation pieces: the one to compare with, since a choice on the test pieces would flatter it.
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


class BaselineScores(NamedTuple):
    """The score of each held-out label under one simple model: ``nats`` and ``right``, both (labels,).

    ``nats`` is None where some label is impossible. ``chosen``: see :class:`Baseline`.
    """

    name: str
    nats: Floats | None
    right: Bools
    chosen: bool = False


def baseline_scores(
    train: LabelledPieces,
    validation: LabelledPieces,
    held_out: LabelledPieces,
    vocabulary: Vocabulary,
    *,
    orders: int = ORDERS,
    most: int = MOST_COUNTED,
) -> list[BaselineScores]:
    """Score ``held_out`` by "always the most frequent training token" and by n-grams up to ``orders``.

    With more than ``most`` training labels, n-grams are counted on every second piece, or every third, and
    so on, and their names say so. ValueError if a set of pieces is empty, or as in `NGram.count`.
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
    frequent = int(np.bincount(train.labels).argmax())
    found = [BaselineScores(f"always {vocabulary.tokens[frequent]!r}", None, labels == frequent)]
    for order, prediction in enumerate(model.predictions(held_out.pieces), start=1):
        nats, right = held_out.of(prediction.nats), labels == held_out.of(prediction.argmax)
        name = f"{order}-gram" if step == 1 else f"{order}-gram of 1 in {step} pieces"
        found.append(BaselineScores(name, nats, right, chosen=order == chosen))
    return found


def baseline(scores: BaselineScores, is_note: Bools) -> Baseline:
    """Return the means over all labels, and over those marked in ``is_note``, (labels,)."""
    every = _metrics(scores, np.ones_like(is_note))
    onsets = _metrics(scores, is_note) if is_note.any() else None
    return Baseline(scores.name, every.nats, every.accuracy, onsets, scores.chosen)


def _metrics(scores: BaselineScores, where: Bools) -> LabelMetrics:
    nats = None if scores.nats is None else float(scores.nats[where].mean())
    return LabelMetrics(nats, float(scores.right[where].mean()))


def xz_nats(training: bytes, held_out: bytes) -> float | None:
    """Return nats per character that xz adds for ``held_out`` when it has just compressed ``training``.

    The text of the training set thus serves as the dictionary; what is repeated within the held-out text is
    found too. None for no text.
    """
    characters = len(held_out.decode())
    if not characters:
        return None
    before = training[-LONGEST_TEXT:]
    added = _size(before + held_out) - _size(before)
    return added * 8 * math.log(2) / characters


def _size(text: bytes) -> int:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]  # a dictionary of 64 MiB
    return len(lzma.compress(text, format=lzma.FORMAT_RAW, filters=filters))
