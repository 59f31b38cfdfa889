"""Intervals: the time from chord to chord in a corpus, for tokens without rhythm."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate

import numpy as np

from etude.errors import EtudeError
from etude.music import Note, Piece
from etude.sampling.context import TrainingContext
from etude.sampling.sampler import sequence_seed

GRID = 12  # places in a quarter note: sixteenths and triplets of eighths fall on them


def count_intervals(pieces: Iterable[Piece]) -> Counter[Fraction]:
    """Count the times between successive onsets of each piece, in quarter notes on a grid of 1/12.

    Onsets on the same place of the grid count once.
    """
    found: Counter[Fraction] = Counter()
    for piece in pieces:
        places = np.unique(np.rint(piece.onset * GRID / piece.division).astype(np.int64))
        found.update(Fraction(int(step), GRID) for step in np.diff(places))
    return found


def corpus_intervals(context: TrainingContext) -> Counter[Fraction]:
    """Count the intervals of the corpus of a network; its files are read, since a store has only tokens.

    EtudeError if it has no two onsets in a row.
    """
    key = json.dumps(context.data, sort_keys=True)
    if key not in _counted:
        _counted[key] = _count_corpus(context)
    return _counted[key]


_counted: dict[str, Counter[Fraction]] = {}  # reading a corpus takes long, and Python may ask again and again


def _count_corpus(context: TrainingContext) -> Counter[Fraction]:
    corpus = context.corpus.corpus()
    found = count_intervals(
        piece for file in corpus.files() for piece in corpus.read(file.data, file.name).pieces
    )
    if not found:
        raise EtudeError(f"sampling.step=corpus: no piece of {context.corpus.name} has two onsets in a row")
    return found


def sample_times(intervals: Mapping[Fraction, int], count: int, seed: int, number: int) -> list[Fraction]:
    """Return the onsets of ``count`` chords and the end of the last, in quarter notes.

    Intervals have the frequencies that were counted. The first times do not depend on ``count``.
    """
    values = sorted(intervals)
    generator = random.Random(sequence_seed(seed, number))
    chosen = generator.choices(values, [intervals[value] for value in values], k=count)
    return list(accumulate(chosen, initial=Fraction(0)))


def retimed(piece: Piece, step: Fraction, times: Sequence[Fraction]) -> Piece:
    """Move the chords of a piece from ``step`` quarters apart to ``times``; each lasts until the next."""
    notes = []
    for onset, pitch in zip(piece.onset.tolist(), piece.pitch.tolist(), strict=True):
        place = int(Fraction(onset, piece.division) / step)
        notes.append(Note(times[place], times[place + 1] - times[place], pitch))
    return Piece.from_notes(notes, length=times[-1])
