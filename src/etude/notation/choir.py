"""Choir: four voices on two staves, soprano and alto above tenor and bass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from etude.music.piece import Note

VOICES = ("Soprano", "Alto", "Tenor", "Bass")


def choir_of(by_part: Mapping[int, Sequence[Note]], names: Mapping[int, str]) -> tuple[int, ...]:
    """Return the parts of a choir from the highest, () for other music.

    A choir has four parts of one note at a time. They are named as its voices ("S.", "Tenor"), or have no
    names and mean pitches from high to low. ``names``: of the parts that have one.
    """
    parts = tuple(sorted(by_part))
    if len(parts) != len(VOICES) or not all(_is_voice(by_part[part]) for part in parts):
        return ()
    if any(names.values()):
        words = [names.get(part, "").rstrip(".").casefold() for part in parts]
        named = all(
            word and voice.casefold().startswith(word) for voice, word in zip(VOICES, words, strict=True)
        )
        return parts if named else ()
    means = [sum(note.pitch for note in by_part[part]) / len(by_part[part]) for part in parts]
    return parts if all(higher > lower for higher, lower in pairwise(means)) else ()


def _is_voice(notes: Sequence[Note]) -> bool:
    return all(first.onset + first.duration <= second.onset for first, second in pairwise(notes))
