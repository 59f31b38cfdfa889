"""Helpers for the tests of the ABC reader: build a tune from its music, list the notes of a piece."""

from __future__ import annotations

import re
from fractions import Fraction

from etude.formats.abc.reader import parse_abc
from etude.music import Piece

HEADER = "X:1\nT:Title\nM:4/4\nL:1/4\nK:C\n"

Heard = list[tuple[Fraction, Fraction, int]]


def header(**fields: str) -> str:
    merged = {"X": "1", "T": "Title", "M": "4/4", "L": "1/4", "K": "C"} | fields
    return "".join(f"{letter}:{merged[letter]}\n" for letter in [*(k for k in merged if k != "K"), "K"])


def piece_of(music: str, header: str = HEADER) -> Piece:
    reading = parse_abc(header + music + "\n", "a.abc")
    assert reading.rejected == []
    return reading.pieces[0]


def heard(piece: Piece) -> Heard:
    return [(note.onset, note.duration, note.pitch) for note in piece.notes]


def pitches(music: str, header: str = HEADER) -> list[int]:
    return [note.pitch for note in piece_of(music, header).notes]


def durations(music: str, header: str = HEADER) -> list[Fraction]:
    return [note.duration for note in piece_of(music, header).notes]


def letters(music: str) -> str:
    """Return the letter C to B of each note of a tune in C major."""
    names = dict(zip((60, 62, 64, 65, 67, 69, 71), "CDEFGAB", strict=True))
    return "".join(names[pitch] for pitch in pitches(music))


def split_tunes(text: str) -> list[str]:
    """Split a tunebook whose tunes all begin with X:."""
    return re.split(r"(?=^X:)", text.replace("\r\n", "\n"), flags=re.MULTILINE)[1:]
