"""MusicXML from anywhere, scanned before it is parsed: a few bytes of it can ask for all of the memory."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any
from xml.parsers import expat

from etude.errors import ReadError
from etude.formats.base import MAX_FILE_BYTES
from etude.music.piece_limits import MAX_NOTES, MAX_PARTS, MAX_QUARTERS
from etude.stored_files import ARCHIVE_DAMAGE

MAX_DEPTH = 64  # elements within elements; a score has some 12
MAX_ELEMENTS = 40 * MAX_NOTES
MAX_MEASURES = 50_000  # of all parts together
MAX_TEXT = 20_000  # characters of one element
MAX_QUARTERS_AT_ONCE = 1024  # of one note, rest, forward or backup
MAX_DIVISIONS = 1_000_000  # of a quarter note
MAX_BEATS = 256  # of a metre, and the smallest part of a whole note that it counts
MAX_MEMBERS = 1000  # of a .mxl

_DECIMAL = re.compile(r"[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})")
_BEATS = re.compile(r"\d{1,3}(\s*\+\s*\d{1,3})*")
# smallest and largest number of an element
_RANGES: dict[str, tuple[float, float]] = {
    "divisions": (0.001, MAX_DIVISIONS), "duration": (0, MAX_QUARTERS_AT_ONCE * MAX_DIVISIONS),
    "octave": (-1, 10), "alter": (-26, 4), "fifths": (-14, 14),
    "chromatic": (-127, 127), "diatonic": (-127, 127), "octave-change": (-10, 10),
    "actual-notes": (1, 1024), "normal-notes": (1, 1024), "staves": (0, 64),
    "multiple-rest": (0, 1024), "measure-repeat": (0, 1024), "slash-dots": (0, 8), "midi-unpitched": (0, 128),
}  # fmt: skip
_ROOT_FILE = re.compile(rb"""<rootfile\b[^>]*\bfull-path\s*=\s*["']([^"']{1,300})["']""")


def bounded_musicxml(data: bytes) -> bytes:
    """Return the score of a MusicXML file, unpacked if it was a .mxl; ReadError if it is too large to read.

    Checked are size, depth, numbers of notes, measures and parts, metres and durations. An entity of the
    file's own is refused, since it may unpack to anything.
    """
    text = _unpacked(data) if data.startswith(b"PK") else data.lstrip(b" \t\r\n")
    if len(text) > MAX_FILE_BYTES:
        raise ReadError(f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB")
    _Scan().read(text)
    return text


def _unpacked(data: bytes) -> bytes:
    """Return the score within a .mxl, never more than MAX_FILE_BYTES of it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(names) > MAX_MEMBERS:
                raise ReadError(f"the archive has more than {MAX_MEMBERS} files")
            name = _score_name(archive, names)
            with archive.open(name) as member:
                text = member.read(MAX_FILE_BYTES + 1)
    except ReadError:
        raise
    except (*ARCHIVE_DAMAGE, OSError) as error:
        raise ReadError(f"the archive cannot be read: {str(error)[:200] or type(error).__name__}") from error
    if len(text) > MAX_FILE_BYTES:
        raise ReadError(f"the archive unpacks to more than {MAX_FILE_BYTES // 2**20} MiB")
    return text


def _score_name(archive: zipfile.ZipFile, names: list[str]) -> str:
    container = "META-INF/container.xml"
    if container in names:
        with archive.open(container) as member:
            found = _ROOT_FILE.search(member.read(100_000))
        name = found[1].decode("utf-8", "replace") if found else ""
        if name in names:
            return name
    scores = [name for name in names if name.lower().endswith((".xml", ".musicxml"))]
    scores = [name for name in scores if not name.startswith(("META-INF/", "__MACOSX/"))]
    if not scores:
        raise ReadError("the archive holds no score")
    return scores[0]


class _Scan:
    """Reads through the XML once, counts, and compares each number with its limit."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._text: list[str] = []
        self._text_length = 0
        self._elements = 0
        self._divisions = 1.0
        self._at = 0.0  # quarter notes from the beginning of the part, repeats not played
        self._counts = dict.fromkeys(("note", "part", "measure"), 0)

    def read(self, data: bytes) -> None:
        """Scan a document; ReadError for what is too large, and for what is not XML."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take
        parser.EntityDeclHandler = _refuse_entity
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            reason = f"it is not XML: {expat.ErrorString(error.code)}"
            raise ReadError(reason, place=f"line {error.lineno}") from error
        except (ValueError, LookupError) as error:  # an encoding that does not exist
            raise ReadError(f"it is not XML: {error}") from error
        except ReadError as error:
            raise ReadError(error.reason, place=f"line {parser.CurrentLineNumber}") from None

    def _start(self, name: str, attributes: dict[str, Any]) -> None:
        self._open.append(name)
        self._text, self._text_length = [], 0
        self._elements += 1
        if len(self._open) > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise ReadError("it has more elements, or deeper ones, than any score")
        if name == "part":
            self._at = 0.0
        if name in self._counts:
            self._counts[name] += 1
            most = {"note": MAX_NOTES, "part": MAX_PARTS, "measure": MAX_MEASURES}[name]
            if self._counts[name] > most:
                raise ReadError(f"it has more than {most:,} {name}s")
        for key, value in attributes.items():
            if len(value) > MAX_TEXT:
                raise ReadError(f"the attribute {key} has more than {MAX_TEXT:,} characters")
        if name == "sound":
            _check_number("divisions", attributes.get("divisions", "1"), 0, 1_000_000)
            _check_tempo(attributes.get("tempo", "1"))

    def _take(self, text: str) -> None:
        self._text_length += len(text)
        if self._text_length > MAX_TEXT:
            raise ReadError(f"the element {self._open[-1]} has more than {MAX_TEXT:,} characters")
        self._text.append(text)

    def _end(self, name: str) -> None:
        self._open.pop()
        text = "".join(self._text).strip()
        self._text, self._text_length = [], 0
        if text and name in ("beats", "beat-type"):
            _check_beats(text)
        elif text and name in _RANGES:
            number = _check_number(name, text, *_RANGES[name])
            if name == "divisions":
                self._divisions = number
            elif name == "duration":
                self._move(number / self._divisions)

    def _move(self, quarters: float) -> None:
        most = MAX_QUARTERS_AT_ONCE
        if quarters > most:
            raise ReadError(f"a duration of {quarters:,.0f} quarter notes; {most:,} are the most")
        self._at += quarters
        if self._at > 64 * MAX_QUARTERS:  # voices count one after the other
            raise ReadError(f"a part lasts more than {MAX_QUARTERS:,} quarter notes")


def _check_beats(text: str) -> None:
    if not _BEATS.fullmatch(text) or not 0 < sum(map(int, re.findall(r"\d+", text))) <= MAX_BEATS:
        raise ReadError(f"a metre of {text[:20]!r} beats or parts of a whole note; {MAX_BEATS} are the most")


def _check_tempo(text: str) -> None:
    """Raise ReadError for a number out of range; other text loses the tempo, not the score."""
    try:
        float(text)
    except ValueError:
        return
    _check_number("tempo", text, 0, 1_000_000)


def is_number(text: str) -> bool:
    """Return whether a text is a decimal number."""
    return bool(_DECIMAL.fullmatch(text.strip()))


def _check_number(what: str, text: str, low: float, high: float) -> float:
    value = float(text) if is_number(text) else float("nan")
    if not low <= value <= high:
        raise ReadError(f"{what} is {text[:20]!r}, not a number from {low:g} to {high:g}")
    return value


def _refuse_entity(*_: Any) -> None:
    raise ReadError("it defines entities of its own, which no score needs")
