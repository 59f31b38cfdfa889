"""Piece → ABC → the same notes, read by our own reader and by music21."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from music21 import converter

from etude.formats.abc.reader import parse_abc
from etude.formats.abc.writer import abc_text
from etude.music import Key, Metre, Note, Piece
from music21_notes import sounding_notes
from strategies import choirs, keys, melodies, polyphony


def body(piece: Piece) -> str:
    """The lines after the key."""
    return abc_text(piece).split("K:", 1)[1].split("\n", 1)[1].strip()


@settings(max_examples=60, deadline=None)
@given(melodies() | polyphony(parts=1) | polyphony(parts=2) | polyphony(parts=3))
def test_our_reader_gives_the_same_notes(piece: Piece) -> None:
    reading = parse_abc(abc_text(piece))
    assert not reading.rejected
    (read,) = reading.pieces
    once = {(*note[:3], note.part) for note in piece.notes}  # doubled notes of one part are one
    assert sorted(note[:3] for note in read.notes) == sorted(row[:3] for row in once)
    assert read.metre == (piece.metre or Metre(4, 4))
    assert Fraction(read.pickup, read.division) == Fraction(piece.pickup, piece.division)
    assert read.tempo == piece.tempo
    assert read.key == (piece.key or Key("C"))


def misread_by_music21(key: Key) -> bool:
    """Whether music21 takes a key of the standard's table for another: locrian ones, and F flat lydian."""
    return key.mode == "locrian" or (key.mode == "lydian" and key.fifths == -7)


@settings(max_examples=10, deadline=None)
@given(melodies(max_notes=10).filter(lambda piece: piece.key is None or not misread_by_music21(piece.key)))
def test_music21_reads_the_same_melody(piece: Piece) -> None:
    """All but titles that it takes for bar lines, and a few keys."""
    score = converter.parseData(abc_text(dataclasses.replace(piece, title="")), format="abc")
    assert sounding_notes(score) == [note[:3] for note in piece.notes]


@settings(max_examples=20, deadline=None)
@given(choirs())
def test_a_choir_comes_back_voice_by_voice(piece: Piece) -> None:
    [read] = parse_abc(abc_text(piece)).pieces
    assert [(*note[:3], note.part) for note in read.notes] == [(*note[:3], note.part) for note in piece.notes]
    assert "%%score [(1 2) | (3 4)]" in abc_text(piece)


def test_a_tune_reads_well(tmp_path: Path) -> None:
    piece = Piece.from_notes(
        [
            (0, Fraction(1, 2), 62),
            (Fraction(1, 2), 1, 67),
            (Fraction(3, 2), Fraction(1, 2), 66),
            (2, Fraction(3, 2), 67),
            (Fraction(7, 2), 2, 73),
            (Fraction(11, 2), 1, 79),
        ],
        title="The 100% tune",
        key=Key("G"),
        metres=[(0, Metre(6, 8))],
        tempos=[(0, 120.0)],
        pickup=Fraction(1, 2),
    )
    (tmp_path / "a.abc").write_text(abc_text(piece), encoding="utf-8")
    assert (tmp_path / "a.abc").read_text(encoding="utf-8") == (
        "%abc-2.1\nX:1\nT:The 100\\% tune\nM:6/8\nL:1/8\nQ:1/4=120\nK:G\nD | G2 F G3 | ^c3- c g2 |]\n"
    )


@pytest.mark.parametrize(
    ("key", "field"),
    [
        (Key("C"), "C"),
        (Key("F#", "minor"), "F#m"),
        (Key("D", "dorian"), "Ddor"),
        (Key("Bb", "mixolydian"), "Bbmix"),
    ],
)
def test_keys(key: Key, field: str) -> None:
    assert f"\nK:{field}\n" in abc_text(Piece.from_notes([(0, 4, 72)], key=key))


@pytest.mark.parametrize(
    ("notes", "text"),
    [
        ([(0, 4, 48)], "C,8 |]"),
        ([(0, 4, 96)], "c''8 |]"),
        ([(0, Fraction(5, 4), 72), (Fraction(5, 4), Fraction(11, 4), 74)], "c4- cd3- d8 |]"),
        ([(0, Fraction(3, 2), 72), (Fraction(3, 2), Fraction(1, 2), 74), (2, 2, 76)], "c3 d e4 |]"),
        ([(2, 2, 72)], "z4 c4 |]"),
        ([(0, 2, 72), (0, 2, 76), (2, 2, 77)], "[ce]4 f4 |]"),
        ([(Fraction(k, 3), Fraction(1, 3), 72) for k in range(3)] + [(1, 3, 74)], "(3ccc d6 |]"),
        ([(Fraction(k, 5), Fraction(1, 5), 72) for k in range(5)] + [(1, 3, 74)], "(5:4:5ccccc d12 |]"),
    ],
)
def test_bars_as_text(notes: list[tuple[Fraction, Fraction, int]], text: str) -> None:
    assert body(Piece.from_notes(notes)).replace("\n", " ") == text


def test_an_accidental_is_written_wherever_a_program_might_miss_it() -> None:
    """In the bar it holds in its own octave, by the standard in all, and not over the bar line."""
    piece = Piece.from_notes([(0, 1, 66), (1, 1, 66), (2, 1, 78), (3, 1, 77), (4, 4, 66)])
    assert body(piece) == "^F F ^f =f | ^F4 |]"


@settings(max_examples=60, deadline=None)
@given(st.integers(40, 80), st.integers(1, 2), keys)
def test_a_cluster_that_is_tied_over_a_bar_line_reads_back(pitch: int, width: int, key: Key) -> None:
    cluster = Piece.from_notes([(0, 2, pitch), (2, 6, pitch), (2, 6, pitch + width)], key=key)
    (read,) = parse_abc(abc_text(cluster)).pieces
    assert read.notes == cluster.notes


def test_two_notes_in_one_place_have_their_accidentals_after_a_tie_too() -> None:
    cluster = Piece.from_notes([(0, 2, 43), (2, 6, 43), (2, 6, 44)])
    assert body(cluster) == "G,,4 [=G,,^G,,]4- | [=G,,^G,,]8 |]"
    (read,) = parse_abc(abc_text(cluster)).pieces
    assert read.notes == cluster.notes


def test_a_low_melody_has_a_bass_clef_outside_the_key_field() -> None:
    assert "\nV:1 clef=bass\nK:C\n" in abc_text(Piece.from_notes([(0, 4, 40)]))


def test_voices_and_staves_are_declared() -> None:
    notes = [
        Note(Fraction(0), Fraction(4), 72),
        Note(Fraction(0), Fraction(2), 64),
        Note(Fraction(0), Fraction(4), 48),
    ]
    text = abc_text(Piece.from_notes(notes))
    assert "%%score {(1 2) | 3}\nV:1 clef=treble\nV:2 clef=treble\nV:3 clef=bass\nK:C\nV:1\n" in text


def test_a_line_break_in_a_title_does_not_break_the_tune() -> None:
    assert "\nT:one two\n" in abc_text(Piece.from_notes([(0, 1, 60)], title="one\ntwo"))


def test_a_metre_and_a_tempo_change_in_the_bar_they_begin() -> None:
    piece = Piece.from_notes(
        [(0, 4, 72), (4, 3, 74)], metres=[(0, Metre(4, 4)), (4, Metre(3, 4))], tempos=[(0, 100.0), (4, 80.0)]
    )
    assert body(piece) == "c8 | [M:3/4][Q:1/4=80]d6 |]"


@pytest.mark.parametrize("start", [0, 4, 5, 7])
def test_a_tempo_is_written_where_it_changes(start: int) -> None:
    notes = [(time, 1, 60 + time) for time in range(8)]
    piece = Piece.from_notes(
        notes, metres=[(0, Metre(4, 4))], tempos=[(0, 120.0), (start, 90.0)][start == 0 :]
    )
    [read] = parse_abc(abc_text(piece)).pieces
    assert [(tick // read.division, tempo) for tick, tempo in read.tempos][-1] == (start, 90.0)
    assert [note.onset for note in read.notes] == list(range(8))
