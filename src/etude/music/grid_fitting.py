"""Fit a piece to a grid of even steps: gate times, rounded ticks and, on request, played timing and swing."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from statistics import median_low
from typing import NamedTuple

import numpy as np

from etude.errors import EncodeError
from etude.music.piece import Piece, Ticks

# A time that is farther from its step, as a fraction of the step, is another rhythm: triplets are a third
# of a step off a binary grid, binary notes a quarter off a triplet grid, quintuplets a fifth off both.
TOLERANCE = Fraction(1, 6)

_SWUNG = (Fraction(53, 100), Fraction(72, 100))  # where in its quarter a swung second eighth begins
_TRIPLET_SLACK = Fraction(1, 12)  # of a quarter, that a played triplet is early or late
_SHORT_GAP = 4  # a gap below this part of the time between two onsets is articulation, not a rest
_LEGATO = 8  # an overlap of at most this part of the time between two onsets is articulation, too


class Fitted(NamedTuple):
    """A piece on the grid, how many notes moved, and the largest move in quarter notes."""

    piece: Piece
    moved: int = 0
    farthest: Fraction = Fraction(0)


class _Line(NamedTuple):
    """Notes in order of onset; times in ticks, ``unit`` ticks to a step."""

    onsets: list[int]
    ends: list[int]
    unit: int
    monophonic: bool

    def next_onsets(self) -> list[int | None]:
        """The next later onset after each note."""
        found: list[int | None] = [None] * len(self.onsets)
        for index in range(len(self.onsets) - 2, -1, -1):
            later = self.onsets[index + 1] > self.onsets[index]
            found[index] = self.onsets[index + 1] if later else found[index + 1]
        return found


def fit_to_grid(piece: Piece, step: str, quantise: str = "none", tolerance: Fraction = TOLERANCE) -> Fitted:
    """Move onsets, ends and the length of a piece to whole steps; ``step`` as in "1/16" of a whole note.

    A piece on the grid stays as it is, but for the overlaps of a legato melody. ``quantise="none"`` moves a
    time by at most ``tolerance`` of a step and raises EncodeError beyond it. Notes that a program shortened
    by a gate time (95 %) get their full length back, so no rest appears between them. "nearest" moves every
    time to its nearest step; "swing" first makes long-short pairs of eighths even. Notes one after another
    stay so: no two begin at one step.
    """
    times = 4 * Fraction(step) * piece.division
    unit, finer = times.as_integer_ratio()
    onset, end = piece.onset * finer, (piece.onset + piece.duration) * finer
    on_grid = not (onset % unit).any() and not (end % unit).any() and not piece.length * finer % unit
    is_legato = not piece.is_monophonic and _follow(onset, end, unit)
    if on_grid and quantise != "swing" and not is_legato:
        return Fitted(piece)
    steps = np.zeros((2, len(piece)), dtype=np.int64)
    quarter = piece.division * finer
    for rows in _lines(piece, onset, end, unit):
        line = _line(onset[rows].tolist(), end[rows].tolist(), unit)
        if quantise == "swing":
            line = _unswung(line, quarter)
        exact = Fraction(1, 2) if quantise != "none" else tolerance
        starts = _snapped_onsets(line, exact, step)
        steps[:, rows] = starts, _snapped_ends(line, starts, exact, step)
    new_onset, new_end = steps * unit
    far = np.maximum(abs(new_onset - onset), abs(new_end - end))
    fitted = dataclasses.replace(
        piece.finer(finer),
        onset=new_onset,
        duration=new_end - new_onset,
        length=_nearest(piece.length * finer, unit) * unit,
        pickup=_nearest(piece.pickup * finer, unit) * unit,
    )
    return Fitted(fitted, int((far > 0).sum()), Fraction(int(far.max(initial=0)), quarter))


def is_melody(piece: Piece, step: str) -> bool:
    """Whether notes follow one another, but for the overlaps of legato: small, or less than half a step."""
    unit, finer = (4 * Fraction(step) * piece.division).as_integer_ratio()
    return _follow(piece.onset * finer, (piece.onset + piece.duration) * finer, unit)


def _lines(piece: Piece, onset: Ticks, end: Ticks, unit: int) -> list[Ticks]:
    """Indices of the notes of each line: the whole piece if it is a melody, else each part."""
    if _follow(onset, end, unit):
        return [np.arange(len(piece))]
    return [np.flatnonzero(piece.part == part) for part in np.unique(piece.part)]


def _follow(onset: Ticks, end: Ticks, unit: int) -> bool:
    apart, overlap = np.diff(onset), end[:-1] - onset[1:]
    return bool((apart > 0).all() and ((overlap * 2 < unit) | (overlap * _LEGATO <= apart)).all())


def _line(onsets: list[int], ends: list[int], unit: int) -> _Line:
    return _Line(onsets, ends, unit, _follow(np.array(onsets), np.array(ends), unit))


def _nearest(time: int, unit: int) -> int:
    return (2 * time + unit) // (2 * unit)


def _is_near(time: int, unit: int, tolerance: Fraction) -> bool:
    return abs(time - _nearest(time, unit) * unit) <= unit * tolerance


def _snapped_onsets(line: _Line, tolerance: Fraction, step: str) -> list[int]:
    """The step of each onset; notes of a melody that would share a step go to the next free one."""
    if not all(_is_near(onset, line.unit, tolerance) for onset in line.onsets):
        raise EncodeError(f"an onset does not fit the grid of {step}")
    starts = [_nearest(onset, line.unit) for onset in line.onsets]
    if not line.monophonic:
        return starts
    for index in range(1, len(starts)):
        if starts[index] <= starts[index - 1]:
            if tolerance < Fraction(1, 2):
                raise EncodeError(f"two notes begin at one step and so do not fit the grid of {step}")
            starts[index] = starts[index - 1] + 1
    return starts


def _snapped_ends(line: _Line, starts: list[int], tolerance: Fraction, step: str) -> list[int]:
    """The step of each end, after its onset and, in a melody, not after the next one."""
    step_of = dict(zip(line.onsets, starts, strict=True))
    freely = tolerance >= Fraction(1, 2)
    gate = _gate(line)
    ends = []
    for onset, end, start, after in zip(line.onsets, line.ends, starts, line.next_onsets(), strict=True):
        full = onset + round((end - onset) / gate)
        following = None if after is None else step_of[after]
        closed = following if after is not None and _is_articulation(line, onset, end, after) else None
        if closed is not None and freely:
            chosen = closed
        elif gate != 1 and _is_near(full, line.unit, TOLERANCE):
            chosen = _nearest(full, line.unit)
        elif _is_near(end, line.unit, tolerance):
            chosen = _nearest(end, line.unit)
        elif closed is not None:
            chosen = closed
        else:
            raise EncodeError(f"the end of a note does not fit the grid of {step}")
        chosen = max(chosen, start + 1)
        ends.append(min(chosen, following) if line.monophonic and following is not None else chosen)
    return ends


def _is_articulation(line: _Line, onset: int, end: int, after: int) -> bool:
    """Whether an end between steps is so close to the next onset that no rest is meant."""
    gap = after - end
    is_short = gap * _SHORT_GAP <= after - onset
    return is_short and end % line.unit != 0 and (line.monophonic or gap >= 0)


def _gate(line: _Line) -> Fraction:
    """The share of its written length that a note sounds; 1 if the ends are near steps without it.

    Above 1 (legato) only in a melody: elsewhere a note that outlasts the next onset is another voice.
    """
    following = line.next_onsets()
    is_legato = line.monophonic and any(
        after is not None and end > after for end, after in zip(line.ends, following, strict=True)
    )
    if not is_legato and all(_is_near(end, line.unit, TOLERANCE) for end in line.ends):
        return Fraction(1)
    shares = [
        Fraction(end - onset, after - onset)
        for onset, end, after in zip(line.onsets, line.ends, following, strict=True)
        if after is not None and (end % line.unit or end > after)
    ]
    most = 1 + Fraction(1, _SHORT_GAP) if line.monophonic else Fraction(1)
    likely = [share for share in shares if 1 - Fraction(1, _SHORT_GAP) <= share <= most and share != 1]
    return median_low(likely) if likely else Fraction(1)


def _unswung(line: _Line, quarter: int) -> _Line:
    """The line with the second eighth of each quarter in its middle; triplets stay if the grid has them."""
    triplets = _triplets(line, quarter) if quarter % (3 * line.unit) == 0 else set()
    onsets = [onset for onset in line.onsets if onset // quarter not in triplets]
    places = [Fraction(onset % quarter, quarter) for onset in onsets]
    late = [place for place in places if _SWUNG[0] <= place <= _SWUNG[1]]
    if not late:
        return line
    middle = int(median_low(late) * quarter)

    def even(time: int) -> int:
        beat, place = divmod(time, quarter)
        if beat in triplets:
            return time
        if place < middle:
            return beat * quarter + place * quarter // (2 * middle)
        return beat * quarter + quarter - (quarter - place) * quarter // (2 * (quarter - middle))

    return line._replace(onsets=[even(time) for time in line.onsets], ends=[even(time) for time in line.ends])


def _triplets(line: _Line, quarter: int) -> set[int]:
    """Return the quarters with two onsets inside, near a third and two thirds: no long-short pair."""
    inside: dict[int, list[Fraction]] = {}
    for onset in sorted(set(line.onsets)):
        place = Fraction(onset % quarter, quarter)
        if _TRIPLET_SLACK < place < 1 - _TRIPLET_SLACK:
            inside.setdefault(onset // quarter, []).append(place)
    thirds = (Fraction(1, 3), Fraction(2, 3))
    return {
        beat
        for beat, places in inside.items()
        if len(places) == 2
        and all(abs(place - third) <= _TRIPLET_SLACK for place, third in zip(places, thirds, strict=True))
    }
