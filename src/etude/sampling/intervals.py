"""Steps: the time from chord to chord in a corpus, for tokens that tell none."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np

from etude.errors import EtudeError
from etude.music import Note, Piece
from etude.sampling.primers import corpus_of
from etude.sampling.sampler import mixed

GRID = 12  # steps are counted in twelfths of a quarter note: sixteenths and triplets of eighths


def count_intervals(pieces: Iterable[Piece]) -> Counter[Fraction]:
    """Count the times between successive onsets of each piece, in quarter notes on a grid of 1/12.

    Onsets that fall on one place of the grid are one.
    """
    found: Counter[Fraction] = Counter()
    for piece in pieces:
        places = np.unique(np.rint(piece.onset * GRID / piece.division).astype(np.int64))
        found.update(Fraction(int(step), GRID) for step in np.diff(places))
    return found


def corpus_intervals(config: Mapping[str, Any]) -> Counter[Fraction]:
    """Count the steps of the corpus of a training config; its files are read, since a store has only tokens.

    EtudeError if it has no two onsets in a row.
    """
    return _counted(json.dumps(config))


@cache
def _counted(config: str) -> Counter[Fraction]:
    data = corpus_of(json.loads(config))
    corpus = data.corpus()
    found = count_intervals(
        piece for file in corpus.files() for piece in corpus.read(file.data, file.name).pieces
    )
    if not found:
        raise EtudeError(f"sampling.step=corpus: {data.name} has no step from a note to the next")
    return found


def sample_times(steps: Mapping[Fraction, int], count: int, seed: int, number: int) -> list[Fraction]:
    """Return where ``count`` chords begin and the last one ends, each step drawn as often as it was counted.

    The first times are the same however many there are.
    """
    values = sorted(steps)
    chosen = random.Random(mixed(seed, number)).choices(values, [steps[value] for value in values], k=count)
    return list(accumulate(chosen, initial=Fraction(0)))


def retimed(piece: Piece, step: Fraction, times: Sequence[Fraction]) -> Piece:
    """Move the chords of a piece from ``step`` quarters apart to ``times``; each lasts until the next."""
    notes = []
    for onset, pitch in zip(piece.onset.tolist(), piece.pitch.tolist(), strict=True):
        place = int(Fraction(onset, piece.division) / step)
        notes.append(Note(times[place], times[place + 1] - times[place], pitch))
    return Piece.from_notes(notes, length=times[-1])
