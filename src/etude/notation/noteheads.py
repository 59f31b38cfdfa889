"""Noteheads: the notes and rests of one bar written with note values, dots, ties and tuplets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from etude.music.piece import Metre
from etude.notation.bars import Bar, beat_of, is_compound, metre_levels

LONGEST_NOTE = Fraction(8)  # quarter notes: a breve
LONGEST_TUPLET_OF_FINE_NOTES = 1  # quarter notes; longer tuplets are not subdivided further


@dataclass(frozen=True)
class Span:
    """A chord of one voice within a bar, or a rest (no pitches); times from the start of the bar."""

    start: Fraction
    end: Fraction
    pitches: tuple[int, ...] = ()
    tied_before: bool = False  # continues the notes of the bar before
    tied_after: bool = False  # continues in the next bar


@dataclass(frozen=True)
class Tuplet:
    """``actual`` notes in the time of ``normal``; whether it begins or ends at this notehead."""

    actual: int
    normal: int
    begins: bool = False
    ends: bool = False


@dataclass(frozen=True)
class Head:
    """One written note, chord or rest: ``value`` in quarter notes without dots (1 = a quarter note)."""

    start: Fraction
    duration: Fraction
    value: Fraction
    dots: int
    pitches: tuple[int, ...] = ()
    tied_before: bool = False
    tied_after: bool = False
    tuplet: Tuplet | None = None
    fills_bar: bool = False


def heads_of(bar: Bar, spans: Sequence[Span]) -> list[Head]:
    """Return the noteheads and rests for ``spans``, which must fill the bar without a gap.

    A rest of a full bar is one head. Notes are split and tied so that the strong beats stay visible. Times
    off the binary grid become tuplets over the smallest part of the bar that contains them.
    """
    if len(spans) == 1 and not spans[0].pitches and bar.length == bar.metre.quarters:
        return [Head(Fraction(0), bar.length, bar.length, 0, fills_bar=True)]
    edges = sorted({bar.lead + time for span in spans for time in (span.start, span.end)})
    cells = [cell for low, high in _regions(bar.metre) for cell in _tuplet_cells(low, high, edges)]
    heads: list[Head] = []
    for span in spans:
        pieces: list[Head] = []
        for low, high, cell in _cut_at_cells(bar.lead + span.start, bar.lead + span.end, cells):
            pieces += (
                _binary_heads(low, high, bar.metre, not span.pitches)
                if cell is None
                else (_tuplet_heads(low, high, cell))
            )
        for index, piece in enumerate(pieces):
            heads.append(
                replace(
                    piece,
                    start=piece.start - bar.lead,
                    pitches=span.pitches,
                    tied_before=bool(span.pitches) and (span.tied_before or index > 0),
                    tied_after=bool(span.pitches) and (span.tied_after or index < len(pieces) - 1),
                )
            )
    return _with_tuplet_ends(heads, bar.lead, cells)


@dataclass(frozen=True)
class _Cell:
    """A part of the bar, from ``low`` to ``high``, that a tuplet fills."""

    low: Fraction
    high: Fraction
    tuplet: Tuplet


def _regions(metre: Metre) -> list[tuple[Fraction, Fraction]]:
    """Return the largest parts of a full bar that can be halved repeatedly."""
    beat = Fraction(4, metre.unit) if is_compound(metre) else beat_of(metre)
    step = metre.quarters if metre.beats & (metre.beats - 1) == 0 else beat
    return [(step * index, step * (index + 1)) for index in range(int(metre.quarters / step))]


def _tuplet_cells(low: Fraction, high: Fraction, edges: Sequence[Fraction]) -> list[_Cell]:
    """Return the tuplets between ``low`` and ``high``: in each half if the middle is an edge, else one."""
    inner = [edge for edge in edges if low <= edge <= high]
    odd = math.lcm(*(_odd_part(edge.denominator) for edge in inner))
    if odd == 1:
        return []
    length, middle = high - low, (low + high) / 2
    unit = length / odd if length > LONGEST_TUPLET_OF_FINE_NOTES else length / (2 * odd)
    if middle not in edges and all((edge - low) % unit == 0 for edge in inner):
        return [_Cell(low, high, Tuplet(odd, 1 << (odd.bit_length() - 1)))]
    return [*_tuplet_cells(low, middle, edges), *_tuplet_cells(middle, high, edges)]


def _odd_part(number: int) -> int:
    return number // (number & -number)


def _cut_at_cells(
    start: Fraction, end: Fraction, cells: Sequence[_Cell]
) -> list[tuple[Fraction, Fraction, _Cell | None]]:
    """Split a span where tuplets begin and end; return each part with its tuplet."""
    pieces: list[tuple[Fraction, Fraction, _Cell | None]] = []
    position = start
    for cell in cells:
        if cell.high <= position or cell.low >= end:
            continue
        if position < cell.low:
            pieces.append((position, cell.low, None))
        pieces.append((max(position, cell.low), min(end, cell.high), cell))
        position = min(end, cell.high)
    if position < end:
        pieces.append((position, end, None))
    return pieces


def _tuplet_heads(start: Fraction, end: Fraction, cell: _Cell) -> list[Head]:
    """Return the heads of a span within a tuplet, the longest first."""
    scale = Fraction(cell.tuplet.normal, cell.tuplet.actual)
    heads: list[Head] = []
    while start < end:
        value, dots = _longest_value((end - start) / scale)
        duration = value * (2 - Fraction(1, 2**dots)) * scale
        heads.append(Head(start, duration, value, dots, tuplet=cell.tuplet))
        start += duration
    return heads


def _longest_value(length: Fraction) -> tuple[Fraction, int]:
    """Return the longest note value (value, dots), with at most one dot, that fits ``length``."""
    value = Fraction(1)
    while value > length:
        value /= 2
    while 2 * value <= min(length, LONGEST_NOTE):
        value *= 2
    return value, int(length >= value * Fraction(3, 2))


def _binary_heads(start: Fraction, end: Fraction, metre: Metre, is_rest: bool) -> list[Head]:
    """Return the heads of a span without tuplets, split at the strongest beat until each is readable."""
    value, dots = _longest_value(end - start)
    is_one_head = value * (2 - Fraction(1, 2**dots)) == end - start
    steps = metre_levels(metre)
    inside = _level_inside(start, end, steps)
    if is_one_head and (
        _rest_is_readable(start, end, metre)
        if is_rest
        else _note_is_readable(start, end, metre, steps, inside)
    ):
        return [Head(start, end - start, value, dots)]
    step = steps[inside]
    # The longer part goes to the stronger side: a half and an eighth, not the reverse.
    cut = (
        (math.ceil(end / step) - 1) * step
        if _level(start, steps) < _level(end, steps)
        else (start // step + 1) * step
    )
    return [*_binary_heads(start, cut, metre, is_rest), *_binary_heads(cut, end, metre, is_rest)]


def _level(time: Fraction, steps: Sequence[Fraction]) -> int:
    """Return the metric level of a time: 0 for a bar line, higher for weaker times."""
    return next((level for level, step in enumerate(steps) if time % step == 0), len(steps))


def _level_inside(start: Fraction, end: Fraction, steps: Sequence[Fraction]) -> int:
    """Return the level of the strongest time between ``start`` and ``end``."""
    return next(
        (level for level, step in enumerate(steps) if (start // step + 1) * step < end), len(steps) - 1
    )


def _note_is_readable(
    start: Fraction, end: Fraction, metre: Metre, steps: Sequence[Fraction], inside: int
) -> bool:
    """Return whether a note from ``start`` to ``end`` shows the metre."""
    beat = beat_of(metre)
    if is_compound(metre) and (start // beat + 1) * beat < end:
        return start % beat == 0 and end % beat == 0
    ends = _level(start, steps), _level(end, steps)
    if inside >= min(ends):
        return True
    # The usual syncopation: eighth, quarter, eighth.
    return _is_undotted(end - start) and ends[0] == ends[1] == inside + 1


def _rest_is_readable(start: Fraction, end: Fraction, metre: Metre) -> bool:
    """Return whether a rest from ``start`` to ``end`` shows the metre: it is on the grid of its length."""
    length, beat = end - start, beat_of(metre)
    if is_compound(metre) and length >= beat:
        return start % length == 0 and length % beat == 0
    if length > beat and metre.beats % 2:
        return False
    return _is_undotted(length) and (start % beat if length < beat else start) % length == 0


def _is_undotted(length: Fraction) -> bool:
    return _odd_part(length.numerator) == 1


def _with_tuplet_ends(heads: list[Head], lead: Fraction, cells: Sequence[_Cell]) -> list[Head]:
    """Mark the first and the last head of each tuplet."""
    for cell in cells:
        members = [
            index
            for index, head in enumerate(heads)
            if head.tuplet and cell.low <= head.start + lead < cell.high
        ]
        for index in members:
            tuplet = replace(cell.tuplet, begins=index == members[0], ends=index == members[-1])
            heads[index] = replace(heads[index], tuplet=tuplet)
    return heads
