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
    """The notes of a music21 score, sorted. music21's own stripTies loses ties between voices.

    Of two tied notes of a staff that meet, each goes on in its own voice.
    """
    heads: list[tuple[Fraction, Fraction, int, str, int, str]] = []
    for staff, part in enumerate(score.parts or [score]):
        voices = {
            id(note): str(voice.id)
            for voice in part.recurse().getElementsByClass("Voice")
            for note in voice.notes
        }
        for element in part.flatten().notes:
            for note in element.notes if element.isChord else [element]:
                kind = note.tie.type if note.tie else ""
                times = exact(element.offset), exact(element.quarterLength)
                heads.append((*times, note.pitch.midi, kind, staff, voices.get(id(element), "")))
    notes: list[Row] = []
    held: dict[tuple[int, Fraction, int], list[tuple[str, Fraction, Fraction]]] = defaultdict(list)
    for onset, duration, pitch, tie, staff, voice in sorted(heads):
        start, length = onset, Fraction(0)
        if tie in {"stop", "continue"}:
            open_ties = held[staff, onset, pitch]
            own = next((each for each in open_ties if each[0] == voice), open_ties[-1])
            open_ties.remove(own)
            _, start, length = own
        if tie in {"start", "continue"}:
            held[staff, onset + duration, pitch].append((voice, start, length + duration))
        else:
            notes.append((start, length + duration, pitch))
    assert not any(held.values()), "a tie leads nowhere"
    return sorted(notes)
