"""Reader of MusicXML scores: partwise or timewise, plain or zipped (.mxl).

Source: MusicXML 4.0, https://www.w3.org/2021/06/musicxml40/. Read are the sounding notes: a transposing
instrument as it sounds, ties joined, repeats played if asked for. Grace notes, cue notes, chord symbols and
unpitched percussion do not sound.
"""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from etude.errors import ReadError
from etude.formats.base import ReadResult, base_name, counted_piece, file_reader, quoted
from etude.formats.musicxml.instruments import listed_instruments, played_parts
from etude.formats.musicxml.limits import bounded_musicxml
from etude.formats.musicxml.part import PartReader
from etude.formats.musicxml.signs import read_signs
from etude.formats.repeats import BarContent, laid_out, playing_order
from etude.formats.tied_notes import joined
from etude.music.piece import Piece

log = logging.getLogger(__name__)

_ROOTS = ("score-partwise", "score-timewise")
_ENDINGS = (".mxl", ".xml", ".musicxml")  # of a title that a program made of a file's name
_ROUNDING = Fraction(1, 4)  # quarter notes that durations of tuplets, rounded, add to a bar


@file_reader
def read_musicxml_bytes(data: bytes, name: str, *, expand_repeats: bool = False) -> ReadResult:
    """Read a MusicXML file: one piece, or one error with its line, or with its part and measure.

    ``expand_repeats``: in the order of playing, with repeats, endings, D.C. and D.S.; else as written.
    """
    root = ET.fromstring(bounded_musicxml(data))
    if "}" in root.tag:
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    if root.tag not in _ROOTS:
        raise ReadError(f"it is XML but no MusicXML score: it begins with <{root.tag[:40]}>")
    return ReadResult([_piece(root, base_name(name), expand_repeats)], [])


def _piece(root: ET.Element, name: str, expand_repeats: bool) -> Piece:
    names = _part_names(root)
    measures = _measures(root, set(names))
    parts = _parts_read(measures, names)
    _check_pitched(parts, name)
    bars = _in_time(parts, measures)
    order: Sequence[int] = range(len(measures))
    if expand_repeats:
        order = playing_order(read_signs([list(bar.values()) for bar in measures]))
    lines = [laid_out(part, order) for part in bars]
    listed = {one.get("id", ""): listed_instruments(one) for one in root.iterfind("part-list/score-part")}
    played = [
        one
        for part, line, instruments in zip(parts, lines, listed.values(), strict=True)
        for one in played_parts(part.name, line.notes, instruments)
    ]
    notes = [note._replace(part=number) for number, one in enumerate(played) for note in one.notes]
    metres = next((line.metres for line in lines if line.metres), {})
    tempos = {time: tempo for line in reversed(lines) for time, tempo in line.tempos.items()}
    title = _text(root, "work/work-title") or _text(root, "movement-title") or _credited_title(root)
    before_bar = max(part[0].length for part in bars) if len(measures) > 1 else Fraction(0)
    first_metre = next(iter(sorted(metres.items())), None)
    return counted_piece(
        joined(notes),
        length=max(line.length for line in lines),
        title="" if title.lower().endswith(_ENDINGS) else title,
        name=name,
        key=next((part.key for part in parts if part.key), None),
        metres=sorted(metres.items()),
        tempos=sorted(tempos.items()),
        pickup=before_bar if first_metre and before_bar < first_metre[1].quarters else 0,
        part_names=tuple(one.name for one in played) if len(played) > 1 else (),
        programs=tuple(one.program for one in played) if any(one.program for one in played) else (),
    )


def _parts_read(measures: Sequence[dict[str, ET.Element]], names: dict[str, str]) -> list[PartReader]:
    """Return the parts with as many bars as the score has.

    A bar that no part fills lasts as its metre says.
    """
    by_id = {identifier: PartReader(part, names[identifier]) for part, identifier in enumerate(names)}
    parts = list(by_id.values())
    for bar in measures:
        for identifier, part in by_id.items():
            if identifier in bar:
                part.read_measure(bar[identifier])
            else:
                part.bars.append(BarContent())
        if not any(part.bars[-1].length for part in parts):
            nominal = next((part.metre.quarters for part in parts if part.metre), Fraction(0))
            for part in parts:
                part.bars[-1].length = nominal
    return parts


def _check_pitched(parts: Sequence[PartReader], name: str) -> None:
    """Raise ReadError for a score without notes, and report percussion that is left out."""
    unpitched = sum(part.unpitched for part in parts)
    if not any(bar.notes for part in parts for bar in part.bars):
        reason = f"there are no notes with a pitch, only {unpitched} of percussion"
        raise ReadError(reason if unpitched else "there are no notes")
    if unpitched:
        log.warning("%s: %d notes of percussion have no pitch and are left out", name, unpitched)


def _in_time(
    parts: Sequence[PartReader], measures: Sequence[dict[str, ET.Element]]
) -> list[list[BarContent]]:
    """Return the bars of each part with the lengths that they take in time.

    The bars of all parts last as long as the longest: one may lack its last rests, or have some too many.
    Where parts have bars of their own (4/4 beside 2/4), each counts its own if they end together. Else
    ReadError.
    """
    metres = [list(_metre_lengths(part.bars)) for part in parts]
    apart = -1
    for index in reversed(range(len(measures))):
        bars = [part.bars[index] for part in parts]
        nominal = [lengths[index] for lengths in metres]
        if _are_apart(bars, nominal):
            for bar, full in zip(bars, nominal, strict=True):
                _cut_rests(bar, full or max(nominal))
            apart = index if _are_apart(bars, nominal) else apart
    if apart >= 0:
        _check_totals(parts, apart, measures[apart])
        return [part.bars for part in parts]
    lengths = [max(bar.length for bar in bars) for bars in zip(*(part.bars for part in parts), strict=True)]
    return [
        [replace(bar, length=length) for bar, length in zip(part.bars, lengths, strict=True)]
        for part in parts
    ]


def _metre_lengths(bars: Sequence[BarContent]) -> Iterator[Fraction]:
    """Yield the length of a full bar for each bar of a part, 0 while it states no metre."""
    full = Fraction(0)
    for bar in bars:
        full = bar.metres[-1][1].quarters if bar.metres else full
        yield full


def _are_apart(bars: Sequence[BarContent], nominal: Sequence[Fraction]) -> bool:
    """Return whether one part's bar ends later than another's that is full, or later than any metre says."""
    longest, full = max(bar.length for bar in bars), max(nominal)
    return bool(full) and any(
        longest > full or bar.length >= (own or full)
        for bar, own in zip(bars, nominal, strict=True)
        if bar.length and longest - bar.length > _ROUNDING
    )


def _cut_rests(bar: BarContent, full: Fraction) -> None:
    """Cut the rests that a bar has after the time that its metre gives it."""
    sounding = max((note.onset + note.duration for note in bar.notes), default=Fraction(0))
    bar.length = max(min(bar.length, full), sounding)


def _check_totals(parts: Sequence[PartReader], apart: int, measure: dict[str, ET.Element]) -> None:
    """Raise ReadError unless all parts end together, with the first measure in which they do not."""
    totals = [sum(bar.length for bar in part.bars) for part in parts]
    if max(totals) - min(totals) > _ROUNDING:
        found = [part.bars[apart].length for part in parts if part.bars[apart].length]
        raise ReadError(
            f"it lasts {float(max(found)):g} quarter notes in one part and {float(min(found)):g} in another",
            place=f"measure {next(iter(measure.values())).get('number', '?')}",
        )


def _text(element: ET.Element, path: str) -> str:
    return " ".join(element.findtext(path, "").split())


def _credited_title(root: ET.Element) -> str:
    """Return the title that is printed on the page; "" without one."""
    credits = root.iterfind("credit")
    return next((_text(one, "credit-words") for one in credits if _text(one, "credit-type") == "title"), "")


def _part_names(root: ET.Element) -> dict[str, str]:
    """Return the name of each part by its id, in their order; a part without a name has its id."""
    names = {}
    for score_part in root.iterfind("part-list/score-part"):
        identifier = score_part.get("id", "")
        names[identifier] = _text(score_part, "part-name") or identifier
    return names


def _measures(root: ET.Element, known: set[str]) -> list[dict[str, ET.Element]]:
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
