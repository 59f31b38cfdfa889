"""Accidentals: the notes of a bar that need one printed."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from etude.music.key import Key
from etude.music.spelling import Spelling, signature_alters, spell
from etude.notation.noteheads import Head


def accidentals_shown(heads: Iterable[Head], key: Key) -> set[tuple[Fraction, Spelling]]:
    """Return (onset, note) of the notes in one bar of one staff that need an accidental.

    An accidental holds for its line or space until the bar ends. A note tied from the bar before shows none,
    and its accidental does not hold for the notes after it.
    """
    signature = signature_alters(key.fifths)
    in_force: dict[tuple[str, int], int] = {}
    shown: set[tuple[Fraction, Spelling]] = set()
    for head in sorted(heads, key=lambda head: head.start):
        if head.tied_before:
            continue
        for pitch in head.pitches:
            note = spell(pitch, key)
            place = (note.letter, note.octave)
            if in_force.get(place, signature[note.letter]) != note.alter:
                shown.add((head.start, note))
            in_force[place] = note.alter
    return shown
