"""Quantisation of performances to times that notation can write."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import partial

import numpy as np
import numpy.typing as npt

from etude.music.piece import Piece, Ticks

SHORTEST_NOTE = Fraction(1, 16)  # quarter notes: a 64th
TUPLETS = (3, 5, 7)
MOST_MIXED = 21  # triplets against septuplets

# Grids, in steps to the quarter note, that tell written times from performed ones.
WRITTEN_ONSETS = (16, 24, 20, 28)
WRITTEN_ENDS = (8, 12, 20, 28)  # of notes that do not end where another begins
MOST_OFF_GRID = Fraction(1, 8)  # of the notes; with more off these grids, the piece is a performance

# Grids of a performed quarter note, and the cost of each for every note in it, in quarter notes: a finer grid
# must bring the notes that much nearer.
GRIDS = {4: 0.0, 3: 0.005, 8: 0.02, 6: 0.02}
MERGE = 0.12  # cost of two successive onsets that were apart and become one
APART = Fraction(1, 12)  # quarter notes; the notes of a chord are nearer


def is_writable(time: Fraction) -> bool:
    """Return whether a time in quarter notes is a whole number of 64ths, or of 64ths in one of TUPLETS."""
    return any(SHORTEST_NOTE.denominator * odd % time.denominator == 0 for odd in TUPLETS)


def quantise_performance(piece: Piece) -> Piece:
    """Return the piece itself if it can be written exactly, else with all its times quantised.

    If one time cannot be written, or more than MOST_OFF_GRID of the notes are off the grids of written music,
    the piece is a performance: every time moves to the grid of its quarter note, which has four, three, eight
    or six steps (see GRIDS). No note vanishes: the shortest lasts one step of its grid.
    """
    # The piece's end is not written: the last bar is full whenever its last rest ends.
    ticks = {*piece.onset.tolist(), *(piece.onset + piece.duration).tolist(), piece.pickup}
    ticks |= {tick for tick, _ in piece.metres}
    times = {Fraction(tick, piece.division) for tick in ticks}
    if all(is_writable(time) for time in times) and _tuplets_are_few(times) and _is_written(piece):
        return piece
    grids = _grid_by_quarter(Fraction(tick, piece.division) for tick in piece.onset.tolist())

    def moved(tick: int) -> Fraction:
        time = Fraction(tick, piece.division)
        grid = grids.get(int(time), 4)
        return Fraction(round(time * grid), grid)

    notes = []
    for note, onset, duration in zip(piece.notes, piece.onset.tolist(), piece.duration.tolist(), strict=True):
        start, end = moved(onset), moved(onset + duration)
        shortest = Fraction(1, grids.get(int(start), 4))
        notes.append(note._replace(onset=start, duration=max(end - start, shortest)))
    quantised = Piece.from_notes(
        notes,
        length=moved(piece.length),
        pickup=moved(piece.pickup),
        metres=[(moved(tick), metre) for tick, metre in piece.metres],
        tempos=[(moved(tick), tempo) for tick, tempo in piece.tempos],
    )
    return dataclasses.replace(
        quantised,
        title=piece.title,
        name=piece.name,
        key=piece.key,
        part_names=piece.part_names,
        programs=piece.programs,
    )


def _is_written(piece: Piece) -> bool:
    """Return whether most notes begin and end as written notes do: on the grids, or where another begins."""
    onsets, ends = piece.onset, piece.onset + piece.duration
    off_grid = ~_on_grid(onsets, piece.division, WRITTEN_ONSETS)
    off_grid |= ~_on_grid(ends, piece.division, WRITTEN_ENDS) & ~np.isin(ends, onsets)
    return int(off_grid.sum()) <= MOST_OFF_GRID * len(piece)


def _on_grid(ticks: Ticks, division: int, grids: Iterable[int]) -> npt.NDArray[np.bool_]:
    """Return whether each time is on one of ``grids`` (steps to the quarter note)."""
    fits = np.stack([ticks * grid % division == 0 for grid in grids])  # (grids, n)
    return np.asarray(fits.any(axis=0), dtype=np.bool_)


def _tuplets_are_few(times: Iterable[Fraction]) -> bool:
    """Return whether each quarter note mixes few enough tuplets for the notes between to be writable."""
    mixed: dict[int, int] = defaultdict(lambda: 1)
    for time in times:
        odd = time.denominator // (time.denominator & -time.denominator)
        mixed[int(time)] = math.lcm(mixed[int(time)], odd)
    return max(mixed.values(), default=1) <= MOST_MIXED


def _grid_by_quarter(onsets: Iterable[Fraction]) -> dict[int, int]:
    """Return the cheapest grid of each quarter note that has onsets."""
    by_quarter: dict[int, set[Fraction]] = defaultdict(set)
    for time in onsets:
        by_quarter[int(time)].add(time)
    return {
        quarter: min(GRIDS, key=partial(_cost, times=sorted(inside)))
        for quarter, inside in by_quarter.items()
    }


def _cost(grid: int, times: Sequence[Fraction]) -> float:
    """Return the cost of a grid for these onsets: distance moved, cost by note, onsets that become one."""
    moved = [round(time * grid) for time in times]
    distance = sum(abs(float(time) - place / grid) for time, place in zip(times, moved, strict=True))
    merges = sum(
        moved[index] == moved[index + 1] and times[index + 1] - times[index] > APART
        for index in range(len(times) - 1)
    )
    return distance + GRIDS[grid] * len(times) + MERGE * merges
