"""What music21 reads in a file that we wrote: notes, with ties joined."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

Row = tuple[Fraction, Fraction, int]  # onset, duration, pitch


def exact(time: float | Fraction) -> Fraction:
    """music21's floats as the fractions that they stand for."""
    return Fraction(time).limit_denominator(1000)


def sounding_notes(score: Any) -> list[Row]:
    """The notes of a music21 score, sorted. music21's own stripTies loses ties between voices."""
    heads: list[tuple[Fraction, Fraction, int, str, int]] = []
    for staff, part in enumerate(score.parts or [score]):
        for element in part.flatten().notes:
            for note in element.notes if element.isChord else [element]:
                kind = note.tie.type if note.tie else ""
                times = exact(element.offset), exact(element.quarterLength)
                heads.append((*times, note.pitch.midi, kind, staff))
    notes: list[Row] = []
    held: dict[tuple[int, Fraction, int], list[tuple[Fraction, Fraction]]] = defaultdict(list)
    for onset, duration, pitch, tie, staff in sorted(heads):
        start, length = (
            held[staff, onset, pitch].pop() if tie in {"stop", "continue"} else (onset, Fraction(0))
        )
        if tie in {"start", "continue"}:
            held[staff, onset + duration, pitch].append((start, length + duration))
        else:
            notes.append((start, length + duration, pitch))
    assert not any(held.values()), "a tie leads nowhere"
    return sorted(notes)
