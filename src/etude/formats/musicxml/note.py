"""Note elements of MusicXML: a note, a chord or a rest; the accidentals that are printed."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from etude.music.key import Key
from etude.music.piece import DEFAULT_VELOCITY
from etude.music.spelling import Spelling, signature_alters, spell
from etude.notation.noteheads import Head

PERCENT_OF_FORTE = 0.9  # MusicXML states a velocity in percent of forte, which is 90
ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
TYPES = {
    Fraction(8): "breve",
    Fraction(4): "whole",
    Fraction(2): "half",
    Fraction(1): "quarter",
    Fraction(1, 2): "eighth",
    Fraction(1, 4): "16th",
    Fraction(1, 8): "32nd",
    Fraction(1, 16): "64th",
    Fraction(1, 32): "128th",
    Fraction(1, 64): "256th",
    Fraction(1, 128): "512th",
    Fraction(1, 256): "1024th",
}


@dataclass(frozen=True)
class Layer:
    """Context that the notes of one voice in one bar share."""

    voice: int
    staff: int | None  # None where the part has one staff
    divisions: int  # to the quarter note
    key: Key
    shown: set[tuple[Fraction, Spelling]]  # (onset, note) of the accidentals that are printed
    hides_rests: bool
    bar_start: Fraction
    velocities: Mapping[tuple[Fraction, int], int]  # by (onset, pitch) of the note
    instrument: str = ""  # identifier, where the part has several
    stem: str = ""  # "up" or "down" for a voice of a choir


def note_elements(head: Head, beams: Sequence[str], layer: Layer) -> Iterator[ET.Element]:
    """Yield the note elements of a head: one for each pitch of a chord, or one rest."""
    if not head.pitches:
        rest = ET.Element("note", {"print-object": "no"} if layer.hides_rests else {})
        ET.SubElement(rest, "rest", {"measure": "yes"} if head.fills_bar else {})
        _write_value(rest, head, layer, None)
        _write_notations(rest, head, begins_chord=True)
        yield rest
    for index, pitch in enumerate(head.pitches):
        note = ET.Element("note")
        velocity = layer.velocities.get((layer.bar_start + head.start, pitch), DEFAULT_VELOCITY)
        if velocity != DEFAULT_VELOCITY and not head.tied_before:
            # rounded up, since some programs drop the decimals
            note.set("dynamics", f"{math.ceil(100 * velocity / PERCENT_OF_FORTE) / 100:.2f}")
        if index > 0:
            ET.SubElement(note, "chord")
        spelling = spell(pitch, layer.key)
        _write_pitch(note, spelling)
        _write_value(note, head, layer, spelling)
        if index == 0:
            for level, state in enumerate(beams, start=1):
                ET.SubElement(note, "beam", number=str(level)).text = state
        _write_notations(note, head, begins_chord=index == 0)
        yield note


def _write_pitch(note: ET.Element, spelling: Spelling) -> None:
    """Write step, alter and octave. Octaves end at 0, below which a note is one there, 12 semitones lower."""
    pitch = ET.SubElement(note, "pitch")
    ET.SubElement(pitch, "step").text = spelling.letter
    octave = max(spelling.octave, 0)
    alter = spelling.alter - 12 * (octave - spelling.octave)
    if alter:
        ET.SubElement(pitch, "alter").text = str(alter)
    ET.SubElement(pitch, "octave").text = str(octave)


def _write_value(note: ET.Element, head: Head, layer: Layer, spelling: Spelling | None) -> None:
    """Write the elements after the pitch in the schema's order, from the duration to the staff."""
    ET.SubElement(note, "duration").text = str(int(head.duration * layer.divisions))
    for kind in _ties(head):
        ET.SubElement(note, "tie", type=kind)
    if layer.instrument:
        ET.SubElement(note, "instrument", id=layer.instrument)
    ET.SubElement(note, "voice").text = str(layer.voice)
    if not head.fills_bar:
        ET.SubElement(note, "type").text = TYPES[head.value]
        for _ in range(head.dots):
            ET.SubElement(note, "dot")
    if spelling is not None and (head.start, spelling) in layer.shown:
        ET.SubElement(note, "accidental").text = ACCIDENTALS[spelling.alter]
    if head.tuplet:
        modification = ET.SubElement(note, "time-modification")
        ET.SubElement(modification, "actual-notes").text = str(head.tuplet.actual)
        ET.SubElement(modification, "normal-notes").text = str(head.tuplet.normal)
    if layer.stem and spelling is not None:
        ET.SubElement(note, "stem").text = layer.stem
    if layer.staff is not None:
        ET.SubElement(note, "staff").text = str(layer.staff)


def _ties(head: Head) -> list[str]:
    return [kind for kind, tied in (("stop", head.tied_before), ("start", head.tied_after)) if tied]


def _write_notations(note: ET.Element, head: Head, *, begins_chord: bool) -> None:
    """Write the notations of ties, and of tuplets at the first note of a chord."""
    notations = ET.Element("notations")
    for kind in _ties(head):
        ET.SubElement(notations, "tied", type=kind)
    if head.tuplet and begins_chord:
        if head.tuplet.begins:
            ET.SubElement(notations, "tuplet", type="start", number="1")
        if head.tuplet.ends:
            ET.SubElement(notations, "tuplet", type="stop", number="1")
    if len(notations):
        note.append(notations)


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
