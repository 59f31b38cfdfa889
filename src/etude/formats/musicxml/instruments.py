"""Instruments of a part: their names and programs, and those that share the staves of one part."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from etude.formats.tied_notes import TiedNote


class Instrument(NamedTuple):
    """An instrument that a score lists; ``program`` is that of General MIDI from 1, 0 if there is none."""

    identifier: str
    name: str
    program: int


class PlayedPart(NamedTuple):
    """Notes of one instrument or, where one plays after the other, of all instruments of a part."""

    name: str
    program: int
    notes: list[TiedNote]


def listed_instruments(score_part: ET.Element) -> list[Instrument]:
    """Return the instruments of an element of the part list."""
    programs = {
        midi.get("id", ""): midi.findtext("midi-program", "").strip()
        for midi in score_part.iterfind("midi-instrument")
    }
    return [
        Instrument(identifier, " ".join(element.findtext("instrument-name", "").split()), program)
        for element in score_part.iterfind("score-instrument")
        for identifier in [element.get("id", "")]
        for program in [_program(programs.get(identifier, ""))]
    ]


def _program(text: str) -> int:
    is_program = text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 128
    return int(text) if is_program else 0


def played_parts(name: str, notes: Sequence[TiedNote], listed: Sequence[Instrument]) -> list[PlayedPart]:
    """Return a part as one, or as one part for each of its instruments if several sound at the same time.

    Instruments that play one after the other are changes within one part.
    """
    program = listed[0].program if listed else 0
    found = {instrument.identifier for instrument in listed}
    if (
        len(found) < 2
        or not found.issuperset(note.instrument for note in notes)
        or not _sound_together(notes)
    ):
        return [PlayedPart(name, program, list(notes))]
    by_instrument: dict[str, list[TiedNote]] = {instrument.identifier: [] for instrument in listed}
    for note in notes:
        by_instrument[note.instrument].append(note)
    return [
        PlayedPart(instrument.name, instrument.program, by_instrument[instrument.identifier])
        for instrument in listed
        if by_instrument[instrument.identifier]
    ]


def _sound_together(notes: Iterable[TiedNote]) -> bool:
    """Return whether notes of two instruments overlap."""
    latest: TiedNote | None = None
    for note in sorted(notes, key=lambda note: note.onset):
        if latest is not None and note.instrument != latest.instrument and note.onset < _end(latest):
            return True
        if latest is None or _end(note) >= _end(latest):
            latest = note
    return False


def _end(note: TiedNote) -> Fraction:
    return note.onset + note.duration
