"""Reading with music21: a slow reference for our readers.

music21 is imported when first needed, which takes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from etude.errors import ReadError
from etude.formats.base import ReadResult, base_name, decode_text, file_reader
from etude.formats.midi.events import parse_midi
from etude.formats.music21_child import call
from etude.formats.musicxml.limits import bounded_musicxml
from etude.formats.tied_notes import TiedNote, joined
from etude.music.key import FIFTHS_OF_MODE, MODE_OF_ABBREVIATION, Key
from etude.music.piece import DEFAULT_VELOCITY, Metre, Piece

TO_THE_BAR_LINE = "%abc-2.1\n%%propagate-accidentals octave\n"

_TUNE = re.compile(r"^(?=X:)", re.MULTILINE)
_LONG_NUMBER = re.compile(
    rb"^(?![!%]|[A-Za-z+]:).*?[0-9]{7}", re.MULTILINE
)  # comments and fields hold any number
_KERN = re.compile(r"\.kern$", re.IGNORECASE)  # an ending that music21 does not know


@file_reader
def read_with_music21_bytes(data: bytes, name: str, *, expand_repeats: bool = False) -> ReadResult:
    """Read a file of any format that music21 knows by the ending of ``name``; each score becomes one piece.

    Notes as they are written, but at the pitch that a transposing instrument sounds: ties joined, repeats
    played out if asked for, grace notes, chord symbols and unpitched percussion left out. The file is parsed
    afresh each time, not taken from music21's cache. Whatever music21 raises, and a file on which it hangs
    or dies, is one rejection.
    """
    label = _KERN.sub(".krn", Path(name).name)
    data = _bounded(data, label)
    with TemporaryDirectory() as folder:
        path = Path(folder) / (f"{label}.musicxml" if label.lower().endswith(".mxl") else label)
        path.write_bytes(data)
        return call(_read, path, name, label, expand_repeats)


@file_reader
def read_tunebook_with_music21_bytes(data: bytes, name: str, *, expand_repeats: bool = False) -> ReadResult:
    """Read an ABC tunebook tune by tune, so that two tunes of one number are both read.

    A directive makes accidentals last to the bar line in their octave, as on paper.
    """
    header, *tunes = _TUNE.split(decode_text(data, name))
    if not tunes:
        raise ReadError("there is no tune (no line that begins with X:)")
    header = TO_THE_BAR_LINE + "".join(f"{line}\n" for line in header.split("\n") if line.startswith("%%"))
    whole = ReadResult([], [])
    for tune in tunes:
        place = tune.split("\n", 1)[0].strip()
        book = f"{base_name(name)}.abc"
        reading = read_with_music21_bytes((header + tune).encode(), book, expand_repeats=expand_repeats)
        whole.pieces.extend(replace(piece, name=f"{base_name(name)} {place}") for piece in reading.pieces)
        whole.rejected.extend(ReadError(error.reason, path=name, place=place) for error in reading.rejected)
    return whole


def _bounded(data: bytes, name: str) -> bytes:
    """Return what music21 may see of a file: ReadError for numbers and sizes that would take the machine."""
    ending = Path(name).suffix.lower()
    if ending in (".xml", ".musicxml", ".mxl"):
        return bounded_musicxml(data)
    if ending in (".mid", ".midi"):
        parse_midi(data)
    elif number := _LONG_NUMBER.search(data):
        line = data.count(b"\n", 0, number.start()) + 1
        raise ReadError("a number of more than six digits", place=f"line {line}")
    return data


def _read(path: Path, name: str, label: str, expand_repeats: bool) -> ReadResult:
    from music21 import converter

    try:
        parsed = converter.parse(path, forceSource=True)
    except Exception as error:  # its parsers raise any exception
        return ReadResult([], [_error(error, name, "")])
    pieces: list[Piece] = []
    rejected: list[ReadError] = []
    for score, tune in _scores(parsed):
        try:
            played = score.expandRepeats() if expand_repeats else score
            pieces.append(_piece(played, f"{label} {tune}".strip()))
        except Exception as error:
            rejected.append(_error(error, name, tune))
    return ReadResult(pieces, rejected)


def _error(error: Exception, path: str, place: str) -> ReadError:
    if isinstance(error, ReadError):
        return error.at(path, place)
    return ReadError(f"music21 cannot read it: {type(error).__name__}: {error}", path=path, place=place)


def _scores(parsed: Any) -> Iterator[tuple[Any, str]]:
    if "Opus" not in parsed.classes:
        yield parsed, ""
        return
    for score in parsed.scores:
        number = score.metadata.number if score.metadata else None
        yield score, f"X:{number}" if number else ""


def _piece(score: Any, name: str) -> Piece:
    if "Score" in score.classes and any(part.atSoundingPitch is False for part in score.parts):
        score = score.toSoundingPitch()  # MusicXML of a transposing instrument
    parts = list(score.parts) if "Score" in score.classes and score.parts else [score]
    flat_parts = [part.flatten() for part in parts]
    notes = joined(note for number, flat in enumerate(flat_parts) for note in _notes(flat, number))
    if not notes:
        raise ReadError("there are no notes")
    first = flat_parts[0]
    metres = [
        (Fraction(mark.offset), Metre(mark.numerator, mark.denominator))
        for mark in first.getElementsByClass("TimeSignature")
    ]
    bars = list(parts[0].getElementsByClass("Measure"))
    before_bar = Fraction(bars[0].highestTime) if len(bars) > 1 else Fraction(0)
    return Piece.from_notes(
        notes,
        length=max(Fraction(flat.highestTime) for flat in flat_parts),
        title=(score.metadata.title or "") if score.metadata else "",
        name=name,
        key=_key(first),
        metres=metres,
        tempos=_tempos(first),
        pickup=before_bar if metres and before_bar < metres[0][1].quarters else 0,
        part_names=tuple(str(part.partName or part.id) for part in parts) if len(parts) > 1 else (),
    )


def _notes(flat: Any, part: int) -> Iterator[TiedNote]:
    # Ties not joined by stripTies(): it lengthens all notes of a chord if one is tied (music21 10.5.1).
    for element in flat.notes:
        if element.duration.isGrace or not element.quarterLength or "Harmony" in element.classes:
            continue
        onset, duration = Fraction(element.offset), Fraction(element.quarterLength)
        for member in element.notes if "ChordBase" in element.classes else (element,):
            if "Unpitched" in member.classes:
                continue
            tie = member.tie.type if member.tie else ""
            yield TiedNote(
                onset,
                duration,
                member.pitch.midi,
                part,
                opens_tie=tie in ("start", "continue"),
                closes_tie=tie in ("stop", "continue"),
                velocity=member.volume.velocity or element.volume.velocity or DEFAULT_VELOCITY,
            )


def _key(flat: Any) -> Key | None:
    key = flat.getElementsByClass("Key").first()
    if key is None:
        signature = flat.getElementsByClass("KeySignature").first()
        return Key.from_fifths(signature.sharps) if signature is not None else None
    mode = MODE_OF_ABBREVIATION.get(key.mode[:3], key.mode)
    return Key(key.tonic.name.replace("-", "b"), mode) if mode in FIFTHS_OF_MODE else None


def _tempos(flat: Any) -> list[tuple[Fraction, float]]:
    marks = (
        (Fraction(mark.offset), mark.getQuarterBPM()) for mark in flat.getElementsByClass("MetronomeMark")
    )
    return [(offset, float(tempo)) for offset, tempo in marks if tempo]
