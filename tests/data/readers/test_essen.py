"""The tunebooks in music21's corpus, their unstated mode, and music21's reading of them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest
from abc_tunes import split_tunes

from etude.data.readers import abc_playing
from etude.data.readers.abc import parse_abc, read_abc
from etude.data.readers.essen import bundled_tunebooks, infer_mode
from etude.data.readers.music21_reader import read_with_music21
from etude.errors import EtudeError
from etude.scores import Key, Piece

COUNTS = {"erk5.abc": 27, "erk10.abc": 663, "erk20.abc": 371, "erk30.abc": 720}  # 1,781 tunes


@cache
def readings():
    return {path.name: read_abc(path) for path in bundled_tunebooks()}


def test_the_tunebooks_are_found_without_importing_music21():
    code = (
        "import sys; from etude.data.readers.essen import bundled_tunebooks as b; assert b(); "
        "assert 'music21' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_tunebook_is_named():
    with pytest.raises(EtudeError, match=r"erk99\.abc"):
        bundled_tunebooks(["erk99.abc"])


def test_every_bundled_tune_is_a_piece_but_the_one_that_lacks_a_note():
    for name, reading in readings().items():
        assert len(reading.pieces) + len(reading.rejected) == COUNTS[name]
    rejected = [error for reading in readings().values() for error in reading.rejected]
    assert [(error.place, error.reason) for error in rejected] == [
        ("X:237, line 3424", "unknown character '2' in the music")  # "CD | 2z": kern has 4f# there
    ]


def test_some_bundled_tunes_agree_with_music21_given_the_same_rule_for_accidentals(tmp_path, monkeypatch):
    """Without this version line music21 does not carry accidentals on, as the corpus means them."""
    monkeypatch.setattr(abc_playing, "played", lambda events, metre: events)  # music21 reads as written
    tunes = [tune for path in bundled_tunebooks() for tune in split_tunes(path.read_text())]
    for number, tune in enumerate(tunes[::90]):
        path = tmp_path / f"{number}.abc"
        path.write_text("%abc-2.1\n%%propagate-accidentals octave\n" + tune)
        (ours,), (theirs,) = parse_abc(tune).pieces, read_with_music21(path).pieces
        assert ours == theirs, tune
        assert (ours.key, ours.title) == (theirs.key, theirs.title)


@pytest.mark.parametrize(
    ("pitches", "stated", "key"),
    [
        ([69, 72, 76], Key("A"), Key("A", "minor")),
        ([69, 73, 76], Key("A"), Key("A")),
        ([60, 84 + 3, 64, 51], Key("C"), Key("C", "minor")),  # thirds in any octave
        ([60, 67], Key("C"), Key("C")),  # no third: as stated
        ([60, 63, 64], Key("C"), Key("C")),  # as long in both: as stated
        ([62, 65, 69], Key("D", "dorian"), Key("D", "minor")),
    ],
)
def test_the_third_decides_the_mode(pitches, stated, key):
    notes = [(onset, 1, pitch) for onset, pitch in enumerate(pitches)]
    assert infer_mode(Piece.from_notes(notes, key=stated)) == key


def test_the_longer_third_decides_the_mode():
    notes = [(0, 1, 64), (1, 1, 64), (2, 3, 63)]
    assert infer_mode(Piece.from_notes(notes, key=Key("C"))) == Key("C", "minor")


def test_without_a_tonic_there_is_no_mode():
    with pytest.raises(EtudeError, match="no tonic"):
        infer_mode(Piece.from_notes([(0, 1, 60)]))


def test_the_bundled_tunes_in_minor_are_found():
    pieces = [piece for reading in readings().values() for piece in reading.pieces]
    assert {piece.key.mode for piece in pieces} == {"major"}  # all the files state
    inferred = [replace(piece, key=infer_mode(piece)).key.mode for piece in pieces]
    assert (inferred.count("major"), inferred.count("minor")) == (1647, 133)
