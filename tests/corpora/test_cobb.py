"""Cobb's Music of Ireland: tunes read, tunes rejected with their reason, and music21's reading."""

from __future__ import annotations

from abc_tunes import split_tunes
from corpora import published
from etude.formats.abc import playback
from etude.formats.abc.reader import parse_abc, read_abc_bytes
from etude.formats.base import read_path
from etude.formats.music21_reader import read_with_music21_bytes


def test_all_tunes_but_two_that_break_the_rules():
    reading = read_path(published("Music_of_Ireland.abc"), read_abc_bytes)
    assert len(reading.pieces) == 802
    assert [(error.place, error.reason) for error in reading.rejected] == [
        ("X:147, line 2553", "the metre '9/8 EDC DA,B, CDE|!' is not understood"),  # music on an M: line
        ("X:138, line 5383", "the metre '3/4 egdB A2| M:4/4 egdB …' is not understood"),
    ]
    assert all(piece.key and piece.metre and piece.title for piece in reading.pieces)


def test_repeats_are_played():
    first = read_path(published("Music_of_Ireland.abc"), read_abc_bytes).pieces[0]
    assert first.title == "Alexander's"
    assert first.quarters == 2 * (8 * 4) * 2  # two sections of eight bars of 2/2, each twice


def test_some_tunes_agree_with_music21_as_written(tmp_path, monkeypatch):
    """All agree in benchmarks/check_readers.py; music21 needs the version line to carry accidentals."""
    monkeypatch.setattr(playback, "played", lambda events, metre, tempo: events)
    text = published("Music_of_Ireland.abc").read_bytes().decode()
    for number, tune in enumerate(split_tunes(text)[::60]):
        path = tmp_path / f"{number}.abc"
        path.write_text("%abc-2.1\n%%propagate-accidentals octave\n" + tune)
        (ours,), (theirs,) = parse_abc(tune).pieces, read_path(path, read_with_music21_bytes).pieces
        assert ours == theirs, tune
        assert (ours.key, ours.title) == (theirs.key, theirs.title)
