"""Variants: songs that share much of their melody, found by aligning intervals and rhythms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from etude.corpora.splits import tune_hash
from etude.files import atomic_write
from etude.music import Piece
from etude.stored_files import StoredFileError, read_json

VERSION = 1  # of the rule; rises when any group changes

SHARE = 0.4  # of the shorter song's steps that the best aligned passage must match
STEPS = 12  # and at least so many
RUN = 6  # intervals in a row; only songs that share some runs are aligned
SHARED_RUNS = 0.1  # of the shorter song's steps, and at least two
_PAIRS_AT_A_TIME = 128  # what one step of all works on stays in the cache of a core
_WIDEST = 15  # semitones; wider leaps count as this one in a run

Ints = npt.NDArray[np.int64]
Scores = npt.NDArray[np.int16]


class Steps(NamedTuple):
    """A melody from note to note (n,): semitones, and the ratio of times between onsets, in 1/12 octaves."""

    interval: Scores
    ratio: Scores


class Song(NamedTuple):
    """A melody of a corpus: its name and title, its own tune hash, and its group of variants."""

    name: str
    title: str
    tune: int
    group: int


class _Columns(TypedDict):
    name: list[str]
    title: list[str]
    tune: list[int]
    group: list[int]


def variant_groups(pieces: Sequence[Piece]) -> Ints:
    """Return for each melody the number of its group, that of the group's first piece.

    Two melodies are variants if the best local alignment of their steps (Smith & Waterman 1981) scores
    at least ``STEPS``, and ``SHARE`` of the steps of the shorter one. A step with the same interval and
    rhythm scores 1, with another rhythm 1/2; another interval, or a step that one lacks, costs 1. So neither
    key, note values, another ending nor an added phrase counts. Variants of variants are in one group.
    The rule joins 2,665 pairs of Essen songs. Between songs and songs played backwards, which share nothing
    but chance and repeated notes, it joins 90.
    """
    steps = [melody_steps(piece) for piece in pieces]
    first, second = _candidates(steps)
    lengths = np.array([len(each.interval) for each in steps], dtype=np.int64)
    wanted = np.maximum(STEPS, SHARE * np.minimum(lengths[first], lengths[second]))
    found = alignment_scores(steps, first, second) >= wanted
    return _connected(len(steps), first[found], second[found])


def remembered_songs(folder: Path, made_of: str, read: Callable[[], Iterable[Piece]]) -> list[Song]:
    """Return the melodies that ``read`` gives, from a file in ``folder`` if they were grouped before.

    ``made_of`` tells the music of two files apart. Grouping takes seconds. A damaged file is made again.
    """
    memory = folder / f".variants-{hashlib.sha256(f'{VERSION}:{made_of}'.encode()).hexdigest()[:12]}.json"
    with suppress(StoredFileError, OSError, ValueError):
        if known := read_json(memory, _Columns):
            return [Song(*row) for row in zip(*(known[field] for field in Song._fields), strict=True)]
    pieces = list(read())
    songs = [
        Song(piece.name, piece.title, tune_hash(piece), group)
        for piece, group in zip(pieces, variant_groups(pieces).tolist(), strict=True)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    columns = {field: [getattr(song, field) for song in songs] for field in Song._fields}
    atomic_write(memory, json.dumps(columns).encode())
    return songs


def melody_steps(piece: Piece) -> Steps:
    """Return the steps of a melody; rests belong to the note before them."""
    if len(piece) < 2:
        return Steps(np.empty(0, dtype=np.int16), np.empty(0, dtype=np.int16))
    end = piece.onset[-1] + piece.duration[-1]
    times = np.maximum(np.diff(np.append(piece.onset, end)), 1)
    ratio = np.round(12 * np.log2(times[1:] / times[:-1]))
    return Steps(np.diff(piece.pitch).astype(np.int16), ratio.astype(np.int16))


def _candidates(steps: Sequence[Steps]) -> tuple[Ints, Ints]:
    """Return the pairs (first < second) of melodies that share enough runs of intervals."""
    runs, owners = _runs(steps)
    order = np.argsort(runs, kind="stable")
    runs, owners = runs[order], owners[order]
    # each owner of a run is paired with the later owners of the same run
    last = np.searchsorted(runs, runs, side="right")
    later = last - np.arange(len(runs)) - 1
    offsets = np.arange(later.sum()) - np.repeat(np.cumsum(later) - later, later)
    left = np.repeat(owners, later)
    right = owners[np.repeat(np.arange(len(runs)) + 1, later) + offsets]
    pairs, shared = np.unique(left * len(steps) + right, return_counts=True)
    first, second = np.divmod(pairs, max(len(steps), 1))
    lengths = np.array([len(each.interval) for each in steps], dtype=np.int64)
    shorter = np.minimum(lengths[first], lengths[second])
    kept = shared >= np.maximum(2, SHARED_RUNS * shorter)
    return first[kept], second[kept]


def _runs(steps: Sequence[Steps]) -> tuple[Ints, Ints]:
    """Return the different runs of each melody as numbers, and whose they are."""
    base = 2 * _WIDEST + 1
    weights = base ** np.arange(RUN)
    runs, owners = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for number, each in enumerate(steps):
        if len(each.interval) >= RUN:
            digits = np.clip(each.interval, -_WIDEST, _WIDEST).astype(np.int64) + _WIDEST
            own = np.unique(np.lib.stride_tricks.sliding_window_view(digits, RUN) @ weights)
            runs.append(own)
            owners.append(np.full(len(own), number))
    return np.concatenate(runs), np.concatenate(owners)


def alignment_scores(steps: Sequence[Steps], first: Ints, second: Ints) -> npt.NDArray[np.float64]:
    """Return the score of the best local alignment of each pair of melodies, shape (len(first),)."""
    scores = np.zeros(len(first))
    lengths = np.array([len(each.interval) for each in steps], dtype=np.int64)
    order = np.lexsort((lengths[second], lengths[first]))  # pairs of like lengths waste little on padding
    for start in range(0, len(order), _PAIRS_AT_A_TIME):
        batch = order[start : start + _PAIRS_AT_A_TIME]
        rows = _padded([steps[index] for index in first[batch]], 99)
        columns = _padded([steps[index] for index in second[batch]], 100)
        scores[batch] = _best_halves(rows, columns) / 2
    return scores


def _padded(steps: Sequence[Steps], filler: int) -> Steps:
    """Return the steps of several melodies as arrays (n, B); ``filler`` matches nothing."""
    width = max(len(each.interval) for each in steps)
    padded = Steps(*(np.full((width, len(steps)), filler, dtype=np.int16) for _ in range(2)))
    for number, each in enumerate(steps):
        for table, column in zip(padded, each, strict=True):
            table[: len(column), number] = column
    return padded


def _best_halves(rows: Steps, columns: Steps) -> Scores:
    """Return twice the best local score of each row melody (m, B) against its column melody (n, B)."""
    width, pairs = columns.interval.shape
    scores = np.zeros((width + 1, pairs), dtype=np.int16)  # of alignments that end here
    best = np.zeros(pairs, dtype=np.int16)
    slope = 2 * np.arange(width + 1, dtype=np.int16)[:, None]
    for interval, ratio in zip(*rows, strict=True):
        same_interval = columns.interval == interval
        same_rhythm = columns.ratio == ratio
        matched = np.where(same_interval, 1 + same_rhythm.astype(np.int16), np.int16(-2))
        after = np.maximum(scores - 2, 0)  # a step that the column melody lacks
        after[1:] = np.maximum(after[1:], scores[:-1] + matched)
        # steps that the row melody lacks cost 2 each: a running maximum once the slope is added
        scores = np.maximum.accumulate(after + slope, axis=0) - slope
        np.maximum(best, scores.max(axis=0), out=best)
    return best


def _connected(count: int, first: Ints, second: Ints) -> Ints:
    """Return for each of ``count`` numbers the least one that it is connected with."""
    parent = list(range(count))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return np.array([root(number) for number in range(count)], dtype=np.int64)
