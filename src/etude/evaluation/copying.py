"""Copy check: the longest run of notes that a piece shares with a training piece, in any key.

Two runs are the same if the intervals between successive notes and the times between their onsets are. All
pieces are sorted by their suffixes (Manber & Myers 1993, prefix doubling), so the longest shared run at each
note stands next to it: a thousand samples against a hundred thousand notes take about a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from etude.music import Piece

Ids = npt.NDArray[np.int64]

GRID = 48  # parts of a quarter note: onsets closer together are equal
NGRAM = 8  # notes of an n-gram whose share in training is counted
LONGEST = 4096  # notes: longer runs are reported as this long


class NoteRun(NamedTuple):
    """``notes`` in a row: from note ``query_start`` of a piece, and from ``start`` of training ``piece``."""

    notes: int
    piece: int
    start: int
    query_start: int


@dataclass(frozen=True)
class Copied:
    """The longest shared run of one piece, None if it shares no two notes; and its n-grams.

    ``known``: how many of its ``ngrams`` of NGRAM notes occur in training.
    """

    longest: NoteRun | None
    known: int
    ngrams: int


def note_steps(onset: Ids, pitch: Ids, *, rhythm: bool = True) -> Ids:
    """Return a symbol for each step from a note to the next, (notes − 1,): its interval, and its time.

    ``onset``: in GRID parts of a quarter note. Of notes that begin together, the lower comes first.
    """
    order = np.lexsort((pitch, onset))
    intervals: Ids = pitch[order][1:] - pitch[order][:-1] + 128
    times: Ids = onset[order][1:] - onset[order][:-1]
    return times * 256 + intervals if rhythm else intervals


def piece_steps(piece: Piece, *, rhythm: bool = True) -> Ids:
    """Return the symbols of a piece, as in :func:`note_steps`."""
    onset = np.rint(piece.onset * GRID / piece.division).astype(np.int64)
    return note_steps(onset, piece.pitch, rhythm=rhythm)


def find_copies(queries: Sequence[Ids], training: Sequence[Ids]) -> list[Copied]:
    """Return for each query what it shares with the training pieces; all are given as :func:`note_steps`."""
    text, owner, place = _joined([*training, *queries])
    order, ranks = _suffixes(text)
    lengths, partners = _nearest(order, ranks, owner < len(training))
    found = []
    for number, steps in enumerate(queries, start=len(training)):
        begin = int(np.searchsorted(owner, number))
        shared = lengths[begin : begin + len(steps)]
        ngrams = max(0, len(steps) + 2 - NGRAM)
        known = int((shared[:ngrams] >= NGRAM - 1).sum())
        run = None
        if shared.any():
            best = int(shared.argmax())
            partner = partners[begin + best]
            run = NoteRun(int(shared[best]) + 1, int(owner[partner]), int(place[partner]), best)
        found.append(Copied(run, known, ngrams))
    return found


def _joined(pieces: Sequence[Ids]) -> tuple[Ids, Ids, Ids]:
    """Return one text, with a symbol of its own after each piece; and of each symbol its piece and place.

    No run crosses the end of a piece, because its symbol occurs nowhere else.
    """
    lengths = np.array([len(piece) + 1 for piece in pieces])
    ends = np.cumsum(lengths) - 1
    text = np.zeros(int(lengths.sum()), dtype=np.int64)
    inside = np.ones(len(text), dtype=np.bool_)
    inside[ends] = False
    text[inside] = np.concatenate([*pieces, np.empty(0, dtype=np.int64)])
    text[ends] = text.max(initial=0) + 1 + np.arange(len(pieces))
    owner = np.repeat(np.arange(len(pieces)), lengths)
    place = np.arange(len(text)) - np.repeat(ends + 1 - lengths, lengths)
    return text, owner, place


def _suffixes(text: Ids) -> tuple[Ids, list[Ids]]:
    """Return the suffixes in order, and the ranks of the runs of length 1, 2, 4, … at each place."""
    rank = np.unique(text, return_inverse=True)[1].astype(np.int64)
    ranks, length = [rank], 1
    while length < LONGEST and rank.max() + 1 < len(text):
        after = np.full(len(text), -1, dtype=np.int64)
        after[:-length] = rank[length:]
        rank = np.unique(rank * (len(text) + 1) + after + 1, return_inverse=True)[1].astype(np.int64)
        ranks.append(rank)
        length *= 2
    return np.argsort(rank, kind="stable"), ranks


def _nearest(order: Ids, ranks: Sequence[Ids], in_training: npt.NDArray[np.bool_]) -> tuple[Ids, Ids]:
    """Return for each place the longest run that training has too, in steps, and where; both (text,)."""
    count = len(order)
    trained = in_training[order]
    positions = np.arange(count)
    above = np.maximum.accumulate(np.where(trained, positions, -1))
    below = np.minimum.accumulate(np.where(trained, positions, count)[::-1])[::-1]
    lengths, partners = np.zeros(count, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    query = np.flatnonzero(~trained)
    for neighbour in (above[query], below[query]):
        known = (neighbour >= 0) & (neighbour < count)
        here, there = order[query[known]], order[neighbour[known]]
        shared = _shared(here, there, ranks)
        better = shared > lengths[here]
        lengths[here[better]], partners[here[better]] = shared[better], there[better]
    return lengths, partners


def _shared(here: Ids, there: Ids, ranks: Sequence[Ids]) -> Ids:
    """Return how long the runs at ``here`` and ``there`` are the same, (n,)."""
    size = len(ranks[0])
    first, second = here.copy(), there.copy()
    for power in range(len(ranks) - 1, -1, -1):
        fits = (first < size) & (second < size)
        same = fits & (
            ranks[power][np.minimum(first, size - 1)] == ranks[power][np.minimum(second, size - 1)]
        )
        first[same] += 1 << power
        second[same] += 1 << power
    return first - here
