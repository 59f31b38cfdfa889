"""Shared parts of all readers: their result, size limits, decoding of text."""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

from etude.errors import ReadError
from etude.music.piece import Note, Piece
from etude.music.piece_limits import MAX_TITLE, short_title, size_problem

MAX_FILE_BYTES = 64 * 2**20  # the largest tunebooks have a few MB
MAX_TICKS = 2**40  # of one piece: keeps products of two times within 64 bits for any usual division

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_LINE_END = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile(r"[\x00-\x06\x0e-\x1a\x1c-\x1f]")  # in no text of an 8-bit encoding


class ReadResult(NamedTuple):
    """The pieces of one file in its order, and an error for each tune that could not be read."""

    pieces: list[Piece]
    rejected: list[ReadError]


ReadBytes = Callable[[bytes, str], ReadResult]  # (content of a file, its name)


def file_reader(read: Callable[..., ReadResult]) -> Callable[..., ReadResult]:
    """Make a ReadError of a reader the rejection of its file.

    Rejected are also files and pieces larger than any music; titles that no page has room for are cut.
    """

    @wraps(read)
    def limited(data: bytes, name: str, **options: Any) -> ReadResult:
        try:
            if len(data) > MAX_FILE_BYTES:
                raise ReadError(f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB")
            found = read(data, name, **options)
        except ReadError as error:
            found = ReadResult([], [error])
        result = ReadResult([], [error.at(name) for error in found.rejected])
        for piece in found.pieces:
            if problem := size_problem(piece):
                result.rejected.append(ReadError(problem, path=name))
            elif len(piece.title) > MAX_TITLE:
                result.pieces.append(replace(piece, title=short_title(piece.title)))
            else:
                result.pieces.append(piece)
        return result

    return limited


def file_bytes(path: Path) -> bytes:
    """Return the content of a file; ReadError if it is no file, too large, or cannot be opened."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
            kind = " but a folder" if stat.S_ISDIR(found.st_mode) else ""
            raise ReadError(f"this is not a file{kind}", path=path)
        if found.st_size > MAX_FILE_BYTES:
            raise ReadError(f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB", path=path)
        return path.read_bytes()
    except FileNotFoundError:
        raise ReadError("there is no such file", path=path) from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise ReadError(f"the file cannot be opened: {reason}", path=path) from None


def decode_text(data: bytes, name: str) -> str:
    r"""Return the text of a score file with ``\n`` line ends.

    UTF-8 or UTF-16 with a byte order mark, plain UTF-8, else Latin-1 (old files). ReadError if it is no text:
    an empty file, binary data, a web page that was saved instead of the score.
    """
    if len(data) > MAX_FILE_BYTES:
        raise ReadError(f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB", path=name)
    try:
        if data.startswith(_UTF16_MARKS):
            text = data.decode("utf-16")
        else:
            text = data.removeprefix(_UTF8_MARK).decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if not text.strip():
        raise ReadError("the file is empty", path=name)
    control = _CONTROL.search(text)
    if control and (control[0] == "\0" or len(_CONTROL.findall(text)) * 100 > len(text)):
        raise ReadError("the file is binary, not text", path=name)
    if text.lstrip()[:14].lower().startswith(("<!doctype html", "<html")):
        raise ReadError("the file is a web page (HTML), not a score", path=name)
    return _LINE_END.sub("\n", text)


def counted_piece(notes: list[Note], *, length: Fraction, **fields: Any) -> Piece:
    """Return ``Piece.from_notes``; ReadError if the ticks would be too many for exact arithmetic."""
    times = (time for note in notes for time in (note.onset, note.duration))
    division = math.lcm(length.denominator, *{time.denominator for time in times})
    if length * division > MAX_TICKS:
        raise ReadError("the durations cannot be counted in one time unit")
    return Piece.from_notes(notes, length=length, **fields)


def base_name(name: str) -> str:
    """Return the last part of a path or of an archive member's name."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def quoted(text: str) -> str:
    """Quote text of the file for a message: short and printable."""
    return repr(text if len(text) <= 24 else text[:24] + "…")
