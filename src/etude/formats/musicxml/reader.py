"""Reader of MusicXML scores: partwise or timewise, plain or zipped (.mxl).

Source: MusicXML 4.0, https://www.w3.org/2021/06/musicxml40/. Read are the sounding notes: a transposing
instrument as it sounds, ties joined, repeats not played. Grace notes, cue notes, chord symbols and unpitched
percussion do not sound.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from fractions import Fraction

from etude.errors import ReadError
from etude.formats.base import ReadResult, base_name, counted_piece, quoted, within_limits
from etude.formats.musicxml.instruments import Instrument, listed_instruments, played_parts
from etude.formats.musicxml.limits import bounded_musicxml
from etude.formats.musicxml.part import PartReader
from etude.formats.tied_notes import joined
from etude.music.piece import Metre, Piece

_ROOTS = ("score-partwise", "score-timewise")
_ENDINGS = (".mxl", ".xml", ".musicxml")  # of a title that a program made of a file's name
_ROUNDING = Fraction(1, 4)  # quarter notes that durations of tuplets, rounded, add to a bar


@within_limits
def read_musicxml_bytes(data: bytes, name: str) -> ReadResult:
    """Read a MusicXML file: one piece, or one error with its line, or with its part and measure."""
    try:
        root = ET.fromstring(bounded_musicxml(data))
        if root.tag not in _ROOTS:
            raise ReadError(f"it is XML but no score: it begins with <{str(root.tag)[:40]}>")
        return ReadResult([_piece(root, base_name(name))], [])
    except ReadError as error:
        return ReadResult([], [error.at(name)])


def _piece(root: ET.Element, name: str) -> Piece:
    parts, length, before_bar = _parts_read(root)
    listed = _instruments(root)
    played = [
        one for part in parts for one in played_parts(part.name, part.notes, part.played, listed[part.number])
    ]
    notes = [note._replace(part=number) for number, one in enumerate(played) for note in one.notes]
    if not notes:
        unpitched = any(part.unpitched for part in parts)
        raise ReadError("there are no notes with a pitch" if unpitched else "there are no notes")
    metres: list[tuple[Fraction, Metre]] = next((part.metres for part in parts if part.metres), [])
    tempos: dict[Fraction, float] = {}
    for part in parts:
        for time, tempo in part.tempos:
            tempos.setdefault(time, tempo)
    title = _text(root, "work/work-title") or _text(root, "movement-title")
    return counted_piece(
        joined(notes),
        length=length,
        title="" if title.lower().endswith(_ENDINGS) else title,
        name=name,
        key=next((part.key for part in parts if part.key), None),
        metres=metres,
        tempos=sorted(tempos.items()),
        pickup=before_bar if metres and before_bar < metres[0][1].quarters else 0,
        part_names=tuple(one.name for one in played) if len(played) > 1 else (),
        programs=tuple(one.program for one in played) if any(one.program for one in played) else (),
    )


def _parts_read(root: ET.Element) -> tuple[list[PartReader], Fraction, Fraction]:
    """Return the parts with their notes, the length, and the length of the first of several bars.

    A bar of one part may lack its last rests, or all of it: the next bar begins where the longest part ends.
    """
    names = _part_names(root)
    by_id = {identifier: PartReader(part, names[identifier]) for part, identifier in enumerate(names)}
    parts = list(by_id.values())
    begin, before_bar = Fraction(0), Fraction(0)
    bars = _bars(root, set(names))
    for number, bar in enumerate(bars):
        for identifier, measure in bar.items():
            by_id[identifier].read_measure(measure, begin)
        in_bar = [by_id[identifier] for identifier in bar]
        length = max((part.bar_length for part in in_bar), default=Fraction(0))
        nominal = next((part.metre.quarters for part in parts if part.metre), Fraction(0))
        shortest = min((part.bar_length for part in in_bar if part.bar_length), default=length)
        if nominal and length > nominal and length - shortest > _ROUNDING:
            reason = (
                f"it lasts {float(length):g} quarter notes in one part and {float(shortest):g} in another"
            )
            raise ReadError(reason, place=f"measure {next(iter(bar.values())).get('number', '?')}")
        begin += length or nominal
        if number == 0 and len(bars) > 1:
            before_bar = begin
    return parts, begin, before_bar


def _text(element: ET.Element, path: str) -> str:
    return " ".join(element.findtext(path, "").split())


def _part_names(root: ET.Element) -> dict[str, str]:
    """Return the name of each part by its id, in their order; a part without a name has its id."""
    names = {}
    for score_part in root.iterfind("part-list/score-part"):
        identifier = score_part.get("id", "")
        names[identifier] = _text(score_part, "part-name") or identifier
    return names


def _instruments(root: ET.Element) -> list[list[Instrument]]:
    """Return the instruments of each part, in the order of the parts."""
    by_id = {
        score_part.get("id", ""): listed_instruments(score_part)
        for score_part in root.iterfind("part-list/score-part")
    }
    return list(by_id.values())


def _bars(root: ET.Element, known: set[str]) -> list[dict[str, ET.Element]]:
    """Return the measures of each bar by part."""
    bars: list[dict[str, ET.Element]] = []
    if root.tag == "score-timewise":
        bars = [
            {part.get("id", ""): part for part in bar.iterfind("part")} for bar in root.iterfind("measure")
        ]
    else:
        for part in root.iterfind("part"):
            for number, measure in enumerate(part.iterfind("measure")):
                if number == len(bars):
                    bars.append({})
                bars[number][part.get("id", "")] = measure
    for bar in bars:
        if unknown := set(bar) - known:
            raise ReadError(f"the part {quoted(min(unknown))} is not in the part list")
    return bars
