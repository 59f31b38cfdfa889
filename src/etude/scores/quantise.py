"""Quantising for the page: times that notation has no signs for are moved to times that it has."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from functools import partial

from etude.scores.piece import Piece

SHORTEST_NOTE = Fraction(1, 16)  # quarter notes: a 64th
TUPLETS = (3, 5, 7)
MOST_MIXED = 21  # triplets against septuplets
# What a performed quarter note may be divided into, in order of preference.
GRIDS = (4, 3)


def is_notatable(time: Fraction) -> bool:
    """Whether a time in quarter notes is a whole number of 64ths, or of 64ths in one of TUPLETS."""
    return any(SHORTEST_NOTE.denominator * odd % time.denominator == 0 for odd in TUPLETS)


def notatable(piece: Piece) -> Piece:
    """Return the piece itself if it can be written exactly, else with all its times quantised.

    A performance is taken as a whole: one time that cannot be written moves every time to the quarters and
    thirds of a quarter note, whichever lies nearer to the onsets in that quarter note.
    No note vanishes: the shortest lasts one step of its grid.
    """
    # Where the piece ends is not written: the last bar is full, whenever its last rest stops.
    ticks = {*piece.onset.tolist(), *(piece.onset + piece.duration).tolist(), piece.pickup}
    ticks |= {tick for tick, _ in piece.metres}
    times = {Fraction(tick, piece.division) for tick in ticks}
    if all(is_notatable(time) for time in times) and _tuplets_are_few(times):
        return piece
    grids = _grid_by_quarter(Fraction(tick, piece.division) for tick in piece.onset.tolist())

    def moved(tick: int) -> Fraction:
        time = Fraction(tick, piece.division)
        grid = grids.get(int(time), GRIDS[0])
        return Fraction(round(time * grid), grid)

    notes = []
    for note, onset, duration in zip(piece.notes, piece.onset.tolist(), piece.duration.tolist(), strict=True):
        start, end = moved(onset), moved(onset + duration)
        shortest = Fraction(1, grids.get(int(start), GRIDS[0]))
        notes.append(note._replace(onset=start, duration=max(end - start, shortest)))
    quantised = Piece.from_notes(
        notes,
        length=moved(piece.length),
        pickup=moved(piece.pickup),
        metres=[(moved(tick), metre) for tick, metre in piece.metres],
        tempos=[(moved(tick), tempo) for tick, tempo in piece.tempos],
    )
    return dataclasses.replace(
        quantised, title=piece.title, name=piece.name, key=piece.key, part_names=piece.part_names
    )


def _tuplets_are_few(times: Iterable[Fraction]) -> bool:
    """Whether no quarter note mixes so many tuplets that what lies between them is too short to write."""
    mixed: dict[int, int] = defaultdict(lambda: 1)
    for time in times:
        odd = time.denominator // (time.denominator & -time.denominator)
        mixed[int(time)] = math.lcm(mixed[int(time)], odd)
    return max(mixed.values(), default=1) <= MOST_MIXED


def _grid_by_quarter(onsets: Iterable[Fraction]) -> dict[int, int]:
    """Choose for each quarter note that has onsets the grid that moves them the least."""
    by_quarter: dict[int, list[Fraction]] = defaultdict(list)
    for time in onsets:
        by_quarter[int(time)].append(time)

    def error(grid: int, inside: list[Fraction]) -> Fraction:
        return sum((abs(time * grid - round(time * grid)) / grid for time in inside), Fraction(0))

    chosen: dict[int, int] = {}
    for quarter, inside in by_quarter.items():
        chosen[quarter] = min(GRIDS, key=partial(error, inside=inside))
    return chosen
