"""MusicXML writer: a piece as a score for notation programs (MusicXML 3.1, score-partwise)."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from fractions import Fraction

from etude.formats.musicxml.note import Layer, accidentals_shown, note_elements
from etude.music.piece import Piece
from etude.music.spelling import written_key
from etude.notation.bars import Bar, beat_of, tempo_marks
from etude.notation.beams import beams_of
from etude.notation.choir import VOICES
from etude.notation.layout import Score, ScorePart, score_of

DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)
CLEFS = {"treble": ("G", "2"), "bass": ("F", "4")}
STEMS = ("up", "down")  # of the voices of a choir's staff
DOTTED_QUARTER = Fraction(3, 2)


def musicxml_bytes(piece: Piece) -> bytes:
    """Return the piece as MusicXML: bars, ties, tuplets, beams, voices, title, key, metres and tempos.

    Times are exact down to 64ths, also in triplets, quintuplets and septuplets; a performance is quantised
    first.
    """
    score = score_of(piece)
    root = ET.Element("score-partwise", version="3.1")
    if piece.title:
        ET.SubElement(ET.SubElement(root, "work"), "work-title").text = _printable(piece.title)
    encoding = ET.SubElement(ET.SubElement(root, "identification"), "encoding")
    ET.SubElement(encoding, "software").text = "Étude"
    part_list = ET.SubElement(root, "part-list")
    for number, part in enumerate(score.parts, start=1):
        listed = ET.SubElement(part_list, "score-part", id=f"P{number}")
        ET.SubElement(listed, "part-name").text = _printable(part.name)
        _write_instruments(listed, piece, part, number)
    for number, part in enumerate(score.parts, start=1):
        root.append(_PartWriter(score, part, number).element())
    ET.indent(root, " ")
    return (DOCTYPE + ET.tostring(root, encoding="unicode") + "\n").encode()


def _write_instruments(listed: ET.Element, piece: Piece, part: ScorePart, number: int) -> None:
    """Write the voices of a choir, or an instrument whose MIDI program is known."""
    instruments = [(part.name, part.program)] if part.program else []
    for voice, singer in zip(VOICES, part.singers, strict=False):
        instruments.append((piece.part_name(singer) or voice, piece.program(singer)))
    for place, (name, _) in enumerate(instruments):
        instrument = ET.SubElement(listed, "score-instrument", id=instrument_id(number, place))
        ET.SubElement(instrument, "instrument-name").text = _printable(name)
    for place, (_, program) in enumerate(instruments):
        if program:
            midi = ET.SubElement(listed, "midi-instrument", id=instrument_id(number, place))
            ET.SubElement(midi, "midi-program").text = str(program)


def instrument_id(part: int, voice: int) -> str:
    """Return the identifier of an instrument or of a voice of a choir: part from 1, voice from 0."""
    return f"P{part}-I{voice + 1}"


def _printable(text: str) -> str:
    """Return the text without control characters, which XML cannot contain."""
    return "".join(char for char in text if char.isprintable())


class _PartWriter:
    """Writer of one part of a score, with the divisions and the key that all its bars share."""

    def __init__(self, score: Score, part: ScorePart, number: int) -> None:
        self.score = score
        self.part = part
        self.number = number
        self.key = written_key(score.piece.key)
        heads = [head for staff in part.staves for voices in staff.voices for row in voices for head in row]
        durations = {head.duration for head in heads} | {bar.length for bar in score.bars}
        self.divisions = math.lcm(*(duration.denominator for duration in durations))

    def element(self) -> ET.Element:
        """Return the part element with its measures."""
        part = ET.Element("part", id=f"P{self.number}")
        # Tempos are written above the first part only.
        tempos = tempo_marks(self.score.piece, self.score.bars) if self.number == 1 else {}
        for index, bar in enumerate(self.score.bars):
            measure = ET.SubElement(part, "measure", number=str(bar.number))
            if bar.lead:
                measure.set("implicit", "yes")
            if index == 0:
                self._write_first_attributes(measure, bar)
            else:
                self._write_changes(measure, index)
            if index in tempos:
                self._write_tempo(measure, bar, *tempos[index])
            self._write_voices(measure, index)
        barline = ET.SubElement(measure, "barline", location="right")
        ET.SubElement(barline, "bar-style").text = "light-heavy"
        return part

    def _write_first_attributes(self, measure: ET.Element, bar: Bar) -> None:
        attributes = ET.SubElement(measure, "attributes")
        ET.SubElement(attributes, "divisions").text = str(self.divisions)
        key = ET.SubElement(attributes, "key")
        ET.SubElement(key, "fifths").text = str(self.key.fifths)
        if self.score.piece.key is not None:
            ET.SubElement(key, "mode").text = self.key.mode
        _write_metre(attributes, bar)
        if len(self.part.staves) > 1:
            ET.SubElement(attributes, "staves").text = str(len(self.part.staves))
        if self.part.singers:
            ET.SubElement(attributes, "part-symbol").text = "bracket"
            ET.SubElement(attributes, "instruments").text = str(len(self.part.singers))
        for number, staff in enumerate(self.part.staves, start=1):
            _write_clef(attributes, number, staff.clefs[0])

    def _write_changes(self, measure: ET.Element, index: int) -> None:
        """Write the metre and the clefs that change with this bar."""
        bar = self.score.bars[index]
        changes = [
            (number, staff.clefs[index])
            for number, staff in enumerate(self.part.staves, start=1)
            if staff.clefs[index] != staff.clefs[index - 1]
        ]
        if not bar.states_metre and not changes:
            return
        attributes = ET.SubElement(measure, "attributes")
        if bar.states_metre:
            _write_metre(attributes, bar)
        for number, clef in changes:
            _write_clef(attributes, number, clef)

    def _write_tempo(self, measure: ET.Element, bar: Bar, offset: Fraction, tempo: float) -> None:
        direction = ET.SubElement(measure, "direction", placement="above")
        metronome = ET.SubElement(ET.SubElement(direction, "direction-type"), "metronome")
        is_dotted = beat_of(bar.metre) == DOTTED_QUARTER
        ET.SubElement(metronome, "beat-unit").text = "quarter"
        if is_dotted:
            ET.SubElement(metronome, "beat-unit-dot")
        beats = tempo / DOTTED_QUARTER if is_dotted else tempo
        ET.SubElement(metronome, "per-minute").text = f"{float(beats):.0f}"
        if offset:
            decimals = f"{float(offset * self.divisions):.7f}"
            ET.SubElement(direction, "offset", sound="yes").text = decimals.rstrip("0").rstrip(".")
        ET.SubElement(direction, "sound", tempo=f"{tempo:.10g}")

    def _write_voices(self, measure: ET.Element, index: int) -> None:
        """Write the voices of all staves, each from the start of the bar."""
        bar = self.score.bars[index]
        voice = 0
        for staff_number, staff in enumerate(self.part.staves, start=1):
            voices = staff.voices[index]
            shown = accidentals_shown((head for heads in voices for head in heads), self.key)
            for place, heads in enumerate(voices):
                voice += 1  # numbered through the part, so a voice has the same number in every bar
                if not heads:
                    continue
                if voice > 1:
                    backup = ET.SubElement(measure, "backup")
                    ET.SubElement(backup, "duration").text = str(int(bar.length * self.divisions))
                layer = Layer(
                    voice=voice,
                    staff=staff_number if len(self.part.staves) > 1 else None,
                    divisions=self.divisions,
                    key=self.key,
                    shown=shown,
                    hides_rests=place > 0 and not self.part.singers,
                    bar_start=bar.start,
                    velocities=staff.velocities[place],
                    instrument=instrument_id(self.number, voice - 1) if self.part.singers else "",
                    stem=STEMS[place] if self.part.singers else "",
                )
                for head, beams in zip(heads, beams_of(heads, bar), strict=True):
                    measure.extend(note_elements(head, beams, layer))


def _write_metre(attributes: ET.Element, bar: Bar) -> None:
    time = ET.SubElement(attributes, "time")
    ET.SubElement(time, "beats").text = str(bar.metre.beats)
    ET.SubElement(time, "beat-type").text = str(bar.metre.unit)


def _write_clef(attributes: ET.Element, staff: int, name: str) -> None:
    sign, line = CLEFS[name]
    clef = ET.SubElement(attributes, "clef", number=str(staff))
    ET.SubElement(clef, "sign").text = sign
    ET.SubElement(clef, "line").text = line
