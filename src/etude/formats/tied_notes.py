"""Tied notes of a score, joined to the notes that sound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from etude.music.piece import DEFAULT_VELOCITY, Note


class TiedNote(NamedTuple):
    """A note as it is written; times in quarter notes."""

    onset: Fraction
    duration: Fraction
    pitch: int
    part: int
    opens_tie: bool
    closes_tie: bool
    velocity: int = DEFAULT_VELOCITY
    instrument: str = ""  # its identifier in the file, where a part has several


def joined(written: Iterable[TiedNote]) -> list[Note]:
    """Return the notes that sound: a tie lengthens the note of its part and pitch that ends where it begins.

    The end of a tie without a beginning strikes its note, and a tie into nothing adds nothing.
    """
    notes: list[Note] = []
    tied: dict[tuple[int, int, Fraction], list[int]] = defaultdict(list)  # (part, pitch, end): open notes
    for note in sorted(written, key=lambda note: note.onset):
        end = note.onset + note.duration
        waiting = tied.get((note.part, note.pitch, note.onset)) if note.closes_tie else None
        if waiting:
            index = waiting.pop(0)
            notes[index] = notes[index]._replace(duration=end - notes[index].onset)
        else:
            index = len(notes)
            notes.append(Note(note.onset, note.duration, note.pitch, note.velocity, note.part))
        if note.opens_tie:
            tied[note.part, note.pitch, end].append(index)
    return notes
