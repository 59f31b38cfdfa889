"""Reading of a file with one of the readers, whatever its ending; the notes that it should have."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from etude.errors import ReadError
from etude.formats.base import ReadResult, file_bytes


def read_path(path: Path, read_bytes: Callable[[bytes, str], ReadResult]) -> ReadResult:
    """Read the file at ``path`` with ``read_bytes(data, name)``; a file that cannot be opened is rejected."""
    try:
        return read_bytes(file_bytes(path), str(path))
    except ReadError as error:
        return ReadResult([], [error])


def written(text: str) -> list[tuple[Fraction, Fraction, int]]:
    """Notes of a line: quarters and rests "60" and "r", other lengths "60*3/2", a chord "60+64"."""
    notes, now = [], Fraction(0)
    for word in text.split():
        chord, _, length = word.partition("*")
        duration = Fraction(length or 1)
        notes += [(now, duration, int(pitch)) for pitch in chord.split("+") if pitch != "r"]
        now += duration
    return notes
