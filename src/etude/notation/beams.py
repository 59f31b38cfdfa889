"""Beams: short notes joined beat by beat."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

from etude.notation.bars import Bar, beat_of, is_compound
from etude.notation.noteheads import Head

EIGHTH = Fraction(1, 2)
QUARTER = Fraction(1)


def beams_of(heads: Sequence[Head], bar: Bar) -> list[list[str]]:
    """Return for each head its beams, level by level: "begin", "continue", "end" or a hook; [] for none.

    Beams join the flagged notes of a beat and break at rests. The eighths of a half bar in a simple metre
    share one beam if there are no other notes in it.
    """
    groups: list[list[int]] = []
    whole_halves = _halves_of_eighths(heads, bar)
    previous: tuple[Fraction, ...] | None = None
    for index, head in enumerate(heads):
        if not head.pitches or head.value > EIGHTH:
            previous = None
            continue
        place = _beam_place(head.start + bar.lead, bar, whole_halves)
        if place == previous:
            groups[-1].append(index)
        else:
            groups.append([index])
        previous = place
    beams: list[list[str]] = [[] for _ in heads]
    for group in groups:
        if len(group) > 1:
            flags = [_flags(heads[index].value) for index in group]
            for position, index in enumerate(group):
                beams[index] = [_beam_type(flags, position, level) for level in range(1, flags[position] + 1)]
    return beams


def _flags(value: Fraction) -> int:
    """Return the number of flags of a note value: one for an eighth, two for a sixteenth."""
    return (EIGHTH / value).numerator.bit_length()


def _beam_type(flags: Sequence[int], position: int, level: int) -> str:
    before = position > 0 and flags[position - 1] >= level
    after = position + 1 < len(flags) and flags[position + 1] >= level
    if before:
        return "continue" if after else "end"
    if after:
        return "begin"
    return "backward hook" if position > 0 else "forward hook"


def _beam_length(bar: Bar) -> Fraction:
    """Return the length that one beam may span, in quarter notes."""
    if is_compound(bar.metre):
        return beat_of(bar.metre)
    return bar.metre.quarters if bar.metre.quarters < 2 else QUARTER


def _half_length(bar: Bar) -> Fraction | None:
    """Return the length that a beam of eighths alone may span: two quarters in 4/4 and 2/4."""
    is_even = not is_compound(bar.metre) and bar.metre.quarters % 2 == 0
    return 2 * QUARTER if is_even else None


def _halves_of_eighths(heads: Sequence[Head], bar: Bar) -> set[Fraction]:
    half = _half_length(bar)
    if half is None:
        return set()
    by_half = groupby(heads, key=lambda head: (head.start + bar.lead) // half)
    return {
        Fraction(number)
        for number, members in by_half
        if all(
            head.pitches and head.value == EIGHTH and not head.dots and not head.tuplet for head in members
        )
    }


def _beam_place(time: Fraction, bar: Bar, whole_halves: set[Fraction]) -> tuple[Fraction, ...]:
    half = _half_length(bar)
    if half is not None and time // half in whole_halves:
        return (half, Fraction(time // half))
    return (Fraction(time // _beam_length(bar)),)
