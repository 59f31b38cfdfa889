"""Files that ask for more than any music: refused in a sentence, before they take the machine."""

from __future__ import annotations

import io
import resource
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.errors import EtudeError, ReadError
from etude.formats.any_file import READERS
from etude.formats.base import ReadBytes
from etude.formats.midi.writer import midi_bytes
from etude.formats.music21_reader import read_with_music21_bytes
from etude.formats.musicxml import limits
from etude.formats.musicxml.limits import bounded_musicxml
from etude.formats.musicxml.reader import read_musicxml_bytes
from etude.formats.musicxml.writer import musicxml_bytes
from etude.music import Metre, Note, Piece
from etude.music.piece_limits import MAX_MARKS, MAX_NOTES, MAX_PARTS, MAX_TITLE, check_size, size_problem
from etude.rendering.forms import write_forms
from etude.rendering.piano_roll import roll_png

SCORE = """<?xml version="1.0"?><score-partwise version="3.1"><work><work-title>t</work-title></work>
<part-list><score-part id="P1"><part-name>x</part-name></score-part></part-list><part id="P1">
<measure number="1"><attributes><divisions>{divisions}</divisions><time><beats>{beats}</beats>
<beat-type>{beat_type}</beat-type></time></attributes>{before}<note><pitch><step>C</step>
<octave>{octave}</octave></pitch><duration>{duration}</duration></note></measure></part></score-partwise>"""
FINE = {"divisions": 1, "beats": 4, "beat_type": 4, "before": "", "octave": 4, "duration": 1}


def score(**changes: object) -> bytes:
    return SCORE.format(**{**FINE, **changes}).encode()


def zipped(content: bytes, name: str = "score.xml") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return data.getvalue()


HUGE = ["1000000000", "999999999", "4294967296", "1e308", "-1", "inf", "nan", "9" * 5000, "0x1p90", "1_000"]
FORWARD = "<forward><duration>{}</duration></forward>"
HOSTILE = {
    **{
        f"{key}={value[:12]}": score(**{key: value})
        for key in FINE
        if key != "before"
        for value in HUGE
        if (key, value) != ("octave", "-1")
    },
    **{
        f"forward {value[:12]}": score(before=f"<forward><duration>{value}</duration></forward>")
        for value in HUGE
    },
    "beats together": score(beats="+".join(["99"] * 50)),
    "depth": b"<a>" * 100_000,
    "an entity": b'<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>' + score().split(b"?>")[1],
    "a long text": score(before=f"<direction><words>{'x' * 1_000_000}</words></direction>"),
    "a long attribute": score(before=f'<direction id="{"x" * 1_000_000}"/>'),
    "a tempo": score(before='<sound tempo="1e300"/>'),
    "a zip of nothing": zipped(b"", "readme.txt"),
    "a broken zip": zipped(score())[:60],
    "no XML": b"\x00\xff" * 100,
    "an unknown encoding": b'<?xml version="1.0" encoding="x-none"?><a/>',
}


@cache
def zip_bomb() -> bytes:
    """It takes most of a second: not when the tests are collected."""
    return zipped(bytes(200 * 2**20))


@contextmanager
def bounded(seconds: float, mebibytes: int) -> Iterator[None]:
    """Limit the block to some seconds and to some memory above the present use."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + mebibytes * 2**20, before[1]))
    started = time.process_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert time.process_time() - started < seconds


@pytest.mark.parametrize("read", [read_musicxml_bytes, read_with_music21_bytes])
@pytest.mark.parametrize("name", [*HOSTILE, "a zip bomb"])
def test_a_hostile_score_is_one_sentence_at_once(name: str, read: ReadBytes) -> None:
    suffix = ".mxl" if "zip" in name else ".musicxml"
    content = zip_bomb() if name == "a zip bomb" else HOSTILE[name]
    with bounded(seconds=10, mebibytes=512):
        found = read(content, f"score{suffix}")
    assert not found.pieces
    [error] = found.rejected
    assert str(error).startswith(f"score{suffix}")
    assert "\n" not in str(error)
    assert len(str(error)) < 300


def test_a_score_as_it_should_be_passes_as_it_is_and_zipped() -> None:
    assert bounded_musicxml(score()) == score()
    assert bounded_musicxml(zipped(score())) == score()
    [piece] = read_with_music21_bytes(zipped(score()), "song.mxl").pieces
    assert (piece.notes[0].pitch, piece.name) == (60, "song.mxl")


@pytest.mark.parametrize(("what", "most"), [("note", "MAX_NOTES"), ("measure", "MAX_MEASURES")])
def test_more_of_a_thing_than_a_score_has_is_refused(
    monkeypatch: pytest.MonkeyPatch, what: str, most: str
) -> None:
    monkeypatch.setattr(limits, most, 3)
    inside = score().split(f"<{what}".encode())
    with pytest.raises(ReadError, match=f"more than 3 {what}s"):
        bounded_musicxml(inside[0] + f"<{what}></{what}>".encode() * 3 + f"<{what}".encode() + inside[1])


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: score(before=text)))
@settings(max_examples=300, deadline=None)
def test_anything_is_read_or_refused(data: bytes) -> None:
    with suppress(ReadError):
        assert bounded_musicxml(data) == data


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("song.krn", b"**kern\n4c\n9999999999d\n*-\n"),
        ("song.abc", b"X:1\nK:C\nC99999999 D|\n"),
    ],
)
def test_music21_sees_no_number_that_no_score_has(name: str, data: bytes) -> None:
    found = read_with_music21_bytes(data, name)
    assert [error.reason for error in found.rejected] == ["a number of more than six digits"]


def large(notes: int = 1, parts: int = 1, metres: int = 0, title: str = "") -> Piece:
    return Piece(
        onset=np.arange(notes),
        duration=np.ones(notes, dtype=np.int64),
        pitch=np.full(notes, 60),
        velocity=np.full(notes, 64),
        part=np.arange(notes) % parts,
        division=4,
        metres=tuple((tick, Metre(4, 4)) for tick in range(metres)),
        title=title,
    )


TOO_LARGE: dict[str, dict[str, int]] = {
    "a million notes": {"notes": 10**6},
    "60,000 tracks": {"notes": 60_000, "parts": 60_000},
    "50,000 metres": {"metres": 50_000},
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_piece_that_is_too_large_is_neither_written_nor_drawn(tmp_path: Path, name: str) -> None:
    piece = large(**TOO_LARGE[name])
    with bounded(seconds=5, mebibytes=512):
        for write in (midi_bytes, musicxml_bytes, roll_png, check_size):
            with pytest.raises(EtudeError, match=r"more than [\d,]+$"):
                write(piece)
        with pytest.raises(EtudeError):
            write_forms(piece, tmp_path / "x", ["midi", "abc", "wav"])
    assert list(tmp_path.iterdir()) == []


def test_the_largest_pieces_are_not_too_large() -> None:
    for piece in (large(MAX_NOTES), large(MAX_PARTS, MAX_PARTS), large(metres=MAX_MARKS)):
        assert not size_problem(piece)


def test_a_title_that_no_page_has_room_for_is_cut() -> None:
    title = "An endless title " * 800
    with bounded(seconds=20, mebibytes=1024):
        assert roll_png(large(title=title)).startswith(b"\x89PNG")
    [piece] = READERS["abc"][1](f"X:1\nT:{title}\nK:C\nCDEF|\n".encode(), "song.abc").pieces
    assert len(piece.title) <= MAX_TITLE
    assert title.startswith(piece.title[:-1])


@pytest.mark.parametrize("form", ["abc", "kern", "midi"])
def test_each_reader_rejects_a_piece_that_is_too_long(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr("etude.music.piece_limits.MAX_NOTES", 3)
    notes = [Note(Fraction(place), Fraction(1), 60) for place in range(4)]
    monkeypatch.setattr("etude.formats.midi.writer.check_size", lambda piece: None)
    data = {
        "abc": b"X:1\nM:4/4\nL:1/4\nK:C\nCDEF|\n",
        "kern": b"**kern\n4c\n4d\n4e\n4f\n*-\n",
        "midi": midi_bytes(Piece.from_notes(notes)),
    }[form]
    found = READERS[form][1](data, "song")
    assert not found.pieces
    assert found.rejected[0].reason == "it has 4 notes, more than 3"
