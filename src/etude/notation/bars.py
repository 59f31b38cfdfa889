"""Bars of a piece, and the metric levels of a bar."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from etude.music.piece import Metre, Piece
from etude.music.timing import metre_changes

SHORTEST_STEP = Fraction(1, 1024)  # quarter notes; the finest level of a metre
FEW_TEMPOS, BARS_A_TEMPO = 4, 4  # tempo changes, in all and by the bar; more are a performance's


@dataclass(frozen=True)
class Bar:
    """One bar; times in quarter notes. ``lead`` is the time that a pickup bar lacks at its start."""

    start: Fraction
    length: Fraction
    metre: Metre
    number: int
    lead: Fraction = Fraction(0)
    states_metre: bool = False  # whether its time signature is printed

    @property
    def end(self) -> Fraction:
        """Start of the next bar."""
        return self.start + self.length


def bars_of(piece: Piece) -> list[Bar]:
    """Return the bars of a piece, at least one; 4/4 where it has no metre.

    A pickup makes a short bar numbered 0. A change of metre within a bar ends the bar. The last bar is full,
    unless it completes the pickup bar, by convention.
    """
    changes = metre_changes(piece)
    pickup = Fraction(piece.pickup, piece.division)
    ends = [*(time for time, _ in changes[1:]), max(piece.quarters, changes[-1][0])]
    bars: list[Bar] = []
    shown: Metre | None = None
    for (start, metre), end in zip(changes, ends, strict=True):
        position = start
        while position < end or not bars:
            length = metre.quarters
            lead = Fraction(0)
            if position == 0 and pickup > 0 and pickup % length:
                length = pickup % length
                lead = metre.quarters - length
            elif end is not ends[-1]:
                length = min(length, end - position)
            number = bars[-1].number + 1 if bars else int(lead == 0)
            bars.append(Bar(position, length, metre, number, lead, states_metre=metre != shown))
            shown = metre
            position += length
    return _with_last_bar_completing_the_first(bars, piece.quarters)


def _with_last_bar_completing_the_first(bars: list[Bar], end: Fraction) -> list[Bar]:
    first, last = bars[0], bars[-1]
    if len(bars) > 1 and 0 < first.lead == end - last.start < last.length:
        bars[-1] = Bar(last.start, first.lead, last.metre, last.number, states_metre=last.states_metre)
    return bars


def tempo_marks(piece: Piece, bars: Sequence[Bar]) -> dict[int, tuple[Fraction, float]]:
    """Return the first tempo of each bar by the bar's index: (quarter notes into the bar, quarters a minute).

    A page shows at most one a bar. If there are many, as in a performance, only those that differ by a third
    or more from the last one shown.
    """
    marks: dict[int, tuple[Fraction, float]] = {}
    starts = [bar.start for bar in bars]
    for tick, tempo in sorted(piece.tempos):
        time = Fraction(tick, piece.division)
        index = bisect_right(starts, time) - 1
        if time < bars[index].end:
            marks.setdefault(index, (time - starts[index], tempo))
    if len(marks) <= max(FEW_TEMPOS, len(bars) / BARS_A_TEMPO):
        return marks
    shown = 0.0
    for index, (_, tempo) in sorted(marks.items()):
        if shown and 3 / 4 < tempo / shown < 4 / 3:
            del marks[index]
        else:
            shown = tempo
    return marks


def is_compound(metre: Metre) -> bool:
    """Return whether the beats of a metre are dotted: 6/8, 9/8, 12/8, 6/4 and their like."""
    return metre.beats > 3 and metre.beats % 3 == 0


def beat_of(metre: Metre) -> Fraction:
    """Return the length of one beat in quarter notes: a dotted quarter in 6/8."""
    return Fraction(4, metre.unit) * (3 if is_compound(metre) else 1)


@cache
def metre_levels(metre: Metre) -> tuple[Fraction, ...]:
    """Return the steps of a metre's levels, strongest first: bar, half bar (of four beats), beat, …"""
    beat = beat_of(metre)
    steps = [metre.quarters]
    if metre.quarters == 4 * beat:
        steps.append(2 * beat)
    if beat < steps[-1]:
        steps.append(beat)
    step = beat / 3 if is_compound(metre) else beat / 2
    while step >= SHORTEST_STEP:
        steps.append(step)
        step /= 2
    return tuple(steps)
