"""One part of a MusicXML score, read measure by measure."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from fractions import Fraction
from typing import ClassVar

from etude.errors import ReadError
from etude.formats.base import quoted
from etude.formats.musicxml.limits import is_number
from etude.formats.repeats import BarContent
from etude.formats.tied_notes import TiedNote
from etude.music.key import FIFTHS_OF_MODE, MODE_OF_ABBREVIATION, PITCH_CLASS_OF_LETTER, Key
from etude.music.piece import DEFAULT_VELOCITY, Metre

_FORTE = 90  # the MIDI velocity that 100 % of the attribute "dynamics" stands for
_QUARTERS_OF_TYPE = {
    "breve": Fraction(8), "whole": Fraction(4), "half": Fraction(2), "quarter": Fraction(1),
    "eighth": Fraction(1, 2), "16th": Fraction(1, 4), "32nd": Fraction(1, 8),
}  # fmt: skip
_FINEST_OFFSET = 1000  # parts of a division; seven decimals tell any two apart
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class PartReader:
    """Reads the measures of a part in order into bars, whose times are in quarter notes."""

    def __init__(self, number: int, name: str) -> None:
        self.number, self.name = number, name
        self.bars: list[BarContent] = []
        self.metre: Metre | None = None  # the last one
        self.key: Key | None = None
        self.unpitched = 0  # how many notes have no pitch
        self._key_read = False
        self._divisions = Fraction(1)
        self._semitones: dict[str, int] = {}  # transposition by staff; "": of all staves
        self._bar = BarContent()
        self._now = self._chord = Fraction(0)

    def read_measure(self, measure: ET.Element) -> None:
        """Read the next measure; ReadError with the place."""
        self._bar = BarContent()
        self.bars.append(self._bar)
        self._now = self._chord = Fraction(0)
        try:
            for element in measure:
                if read := self._READERS.get(element.tag):
                    read(self, element)
        except ReadError as error:
            place = f"part {quoted(self.name)}, measure {quoted(measure.get('number', '?'))}"
            raise error.at("", place) from None

    def _read_note(self, note: ET.Element) -> None:
        if note.find("grace") is not None:
            return
        if note.find("duration") is None:
            raise ReadError("a note without a duration")
        duration = self._duration(note)
        if note.find("chord") is None:
            self._chord = self._now
            self._move(duration)
        self._bar.length = max(self._bar.length, self._chord + duration)
        pitch = note.find("pitch")
        self.unpitched += note.find("unpitched") is not None
        if pitch is None or note.find("cue") is not None or not duration:
            return
        instrument = note.find("instrument")
        ties = {tie.get("type") for tie in note.iterfind("tie")}
        self._bar.notes.append(
            TiedNote(
                self._chord,
                duration,
                self._midi(pitch, note.findtext("staff", "").strip()),
                self.number,
                "start" in ties,
                "stop" in ties,
                _velocity(note),
                "" if instrument is None else instrument.get("id", ""),
            )
        )

    def _move(self, duration: Fraction) -> None:
        self._now += duration
        if self._now < 0:
            raise ReadError("a backup goes back further than the beginning of the measure")
        self._bar.length = max(self._bar.length, self._now)

    def _duration(self, element: ET.Element) -> Fraction:
        return _fraction(element.findtext("duration", "0")) / self._divisions

    def _midi(self, pitch: ET.Element, staff: str) -> int:
        step, alter = pitch.findtext("step", "").strip(), _fraction(pitch.findtext("alter") or "0")
        octave = _fraction(pitch.findtext("octave", ""))
        if step not in PITCH_CLASS_OF_LETTER or octave.denominator != 1:
            raise ReadError(f"a pitch with the step {quoted(step)} and the octave {octave}")
        if alter.denominator != 1:
            raise ReadError(f"a pitch between two semitones (alter {float(alter):g})")
        semitones = self._semitones.get(staff, self._semitones.get("", 0))
        midi = 12 * (int(octave) + 1) + PITCH_CLASS_OF_LETTER[step] + int(alter) + semitones
        if not 0 <= midi <= 127:
            raise ReadError(f"the pitch {step}{octave} sounds out of MIDI's range")
        return midi

    def _read_attributes(self, attributes: ET.Element) -> None:
        if divisions := attributes.findtext("divisions"):
            self._divisions = _fraction(divisions)
        for transpose in attributes.iterfind("transpose"):
            chromatic = _fraction(transpose.findtext("chromatic", "0"))
            octaves = _fraction(transpose.findtext("octave-change", "0"))
            if chromatic.denominator != 1:
                raise ReadError(f"a transposition by {float(chromatic):g} semitones")
            self._semitones[transpose.get("number", "")] = int(chromatic + 12 * octaves)
        if (key := attributes.find("key")) is not None and not self._key_read:
            self._key_read = True
            self.key = _key(key, self._semitones.get("", 0))
        if (time := attributes.find("time")) is not None and (metre := _metre(time)):
            self.metre = metre
            self._bar.metres.append((self._now, metre))

    def _read_direction(self, direction: ET.Element) -> None:
        if (sound := direction.find("sound")) is not None and sound.get("tempo"):
            offset = direction.find("offset")
            shift = offset is not None and offset.get("sound") == "yes"
            self._read_sound(sound, self._offset(direction) if shift else Fraction(0))
        elif tempo := _metronome(direction.find("direction-type/metronome")):
            self._bar.tempos.append((self._now, tempo))

    def _read_sound(self, sound: ET.Element, shift: Fraction = Fraction(0)) -> None:
        text = sound.get("tempo", "")
        tempo = float(text) if is_number(text) else 0.0  # one that cannot be read costs no score
        if tempo > 0:
            self._bar.tempos.append((max(Fraction(0), self._now + shift + self._offset(sound)), tempo))

    def _offset(self, element: ET.Element) -> Fraction:
        """Return an offset in quarter notes; decimals stand for the nearest simple fraction."""
        divisions = _fraction(element.findtext("offset") or "0")
        return divisions.limit_denominator(_FINEST_OFFSET) / self._divisions

    def _read_backup(self, backup: ET.Element) -> None:
        self._move(-self._duration(backup))

    def _read_forward(self, forward: ET.Element) -> None:
        self._move(self._duration(forward))

    _READERS: ClassVar[dict[str, Callable[[PartReader, ET.Element], None]]] = {
        "note": _read_note,
        "backup": _read_backup,
        "forward": _read_forward,
        "attributes": _read_attributes,
        "direction": _read_direction,
        "sound": _read_sound,
    }


def _fraction(text: str) -> Fraction:
    try:
        return Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise ReadError(f"{quoted(text)} where a number is needed") from None


def _velocity(note: ET.Element) -> int:
    percent = note.get("dynamics", "")
    if not _NUMBER.fullmatch(percent):
        return DEFAULT_VELOCITY
    return min(127, max(1, round(float(percent) * _FORTE / 100)))


def _key(element: ET.Element, semitones: int) -> Key | None:
    """Return the key as it sounds; None for a signature that is not one of sharps or flats alone."""
    fifths, mode = element.findtext("fifths"), element.findtext("mode", "major").strip().lower()
    if fifths is None:
        return None
    mode = MODE_OF_ABBREVIATION.get(mode[:3], mode)
    key = Key.from_fifths(int(_fraction(fifths)), mode if mode in FIFTHS_OF_MODE else "major")
    return key.transposed(semitones) if semitones % 12 else key


def _metre(time: ET.Element) -> Metre | None:
    """Return the metre, of several ("2/4 + 3/8") their sum; None for music without one."""
    beats = [text.text or "" for text in time.iterfind("beats")]
    units = [int(_fraction(unit.text or "")) for unit in time.iterfind("beat-type")]
    if not beats or len(beats) != len(units):
        return None
    unit = math.lcm(*units)
    if unit & (unit - 1):
        raise ReadError(f"a metre of 1/{unit} notes")
    counts = [
        sum(map(int, re.findall(r"\d+", text))) * unit // one for text, one in zip(beats, units, strict=True)
    ]
    return Metre(sum(counts), unit)


def _metronome(mark: ET.Element | None) -> float | None:
    """Return the quarters a minute of a mark such as "dotted quarter = 60"; None if it is no such mark."""
    if mark is None:
        return None
    unit = _QUARTERS_OF_TYPE.get(mark.findtext("beat-unit", "").strip())
    per_minute = mark.findtext("per-minute", "").strip()
    if unit is None or not _NUMBER.fullmatch(per_minute) or not float(per_minute):
        return None
    dots = len(mark.findall("beat-unit-dot"))
    return float(per_minute) * float(unit * (2 - Fraction(1, 2**dots)))
