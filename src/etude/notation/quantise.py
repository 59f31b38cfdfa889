"""Quantising for the page: times that notation has no signs for are moved to times that it has."""

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

# Whether times are a page's or a performer's.
PLAIN_ONSETS = (
    16,
    24,
    20,
    28,
)  # parts of a quarter note at which a written note may begin as a matter of course
PLAIN_ENDS = (8, 12, 20, 28)  # and end, where no other begins
MOST_ODD = Fraction(1, 8)  # of the notes; with more that are not plain, the piece is a performance

# What a performed quarter note may be divided into, and what each note in it pays for the finer divisions, in
# quarter notes: as much as the nearest time must be nearer.
GRIDS = {4: 0.0, 3: 0.005, 8: 0.02, 6: 0.02}
MERGE = 0.12  # what two successive onsets pay that were clearly apart and fall together
APART = Fraction(1, 12)  # quarter notes: notes of one chord lie nearer


def is_notatable(time: Fraction) -> bool:
    """Whether a time in quarter notes is a whole number of 64ths, or of 64ths in one of TUPLETS."""
    return any(SHORTEST_NOTE.denominator * odd % time.denominator == 0 for odd in TUPLETS)


def notatable(piece: Piece) -> Piece:
    """Return the piece itself if it can be written exactly, else with all its times quantised.

    A performance is taken as a whole: one time that cannot be written, or more than MOST_ODD of the notes off
    the plain divisions, and every time moves to the grid of its quarter note, which is divided into four,
    three, eight or six (see GRIDS). No note vanishes: the shortest lasts one step of its grid.
    """
    # Where the piece ends is not written: the last bar is full, whenever its last rest stops.
    ticks = {*piece.onset.tolist(), *(piece.onset + piece.duration).tolist(), piece.pickup}
    ticks |= {tick for tick, _ in piece.metres}
    times = {Fraction(tick, piece.division) for tick in ticks}
    if all(is_notatable(time) for time in times) and _tuplets_are_few(times) and _is_plain(piece):
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
        quantised, title=piece.title, name=piece.name, key=piece.key, part_names=piece.part_names
    )


def _is_plain(piece: Piece) -> bool:
    """Whether most notes begin and end where written notes do: on plain divisions, or as another begins."""
    onsets, ends = piece.onset, piece.onset + piece.duration
    odd = ~_on_grid(onsets, piece.division, PLAIN_ONSETS)
    odd |= ~_on_grid(ends, piece.division, PLAIN_ENDS) & ~np.isin(ends, onsets)
    return int(odd.sum()) <= MOST_ODD * len(piece)


def _on_grid(ticks: Ticks, division: int, grids: Iterable[int]) -> npt.NDArray[np.bool_]:
    """Whether each time is a whole number of steps in one of ``grids`` (steps to the quarter note)."""
    fits = np.stack([ticks * grid % division == 0 for grid in grids])  # (grids, n)
    return np.asarray(fits.any(axis=0), dtype=np.bool_)


def _tuplets_are_few(times: Iterable[Fraction]) -> bool:
    """Whether no quarter note mixes so many tuplets that what lies between them is too short to write."""
    mixed: dict[int, int] = defaultdict(lambda: 1)
    for time in times:
        odd = time.denominator // (time.denominator & -time.denominator)
        mixed[int(time)] = math.lcm(mixed[int(time)], odd)
    return max(mixed.values(), default=1) <= MOST_MIXED


def _grid_by_quarter(onsets: Iterable[Fraction]) -> dict[int, int]:
    """Choose for each quarter note that has onsets the grid that costs them the least."""
    by_quarter: dict[int, set[Fraction]] = defaultdict(set)
    for time in onsets:
        by_quarter[int(time)].add(time)
    return {
        quarter: min(GRIDS, key=partial(_cost, times=sorted(inside)))
        for quarter, inside in by_quarter.items()
    }


def _cost(grid: int, times: Sequence[Fraction]) -> float:
    """Return what a grid costs these onsets: how far they move, its price, and who falls together."""
    moved = [round(time * grid) for time in times]
    distance = sum(abs(float(time) - place / grid) for time, place in zip(times, moved, strict=True))
    merges = sum(
        moved[index] == moved[index + 1] and times[index + 1] - times[index] > APART
        for index in range(len(times) - 1)
    )
    return distance + GRIDS[grid] * len(times) + MERGE * merges
