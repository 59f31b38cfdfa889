"""The tunebooks in music21's corpus, their unstated mode, and music21's reading of them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest

from abc_tunes import split_tunes
from etude.corpora.essen_books import bundled_tunebooks, infer_mode, with_errata
from etude.errors import EtudeError
from etude.formats.abc import playback
from etude.formats.abc.reader import parse_abc, read_abc_bytes
from etude.formats.music21_reader import read_with_music21_bytes
from etude.music import Key, Piece
from file_reading import read_path

COUNTS = {"erk5.abc": 27, "erk10.abc": 663, "erk20.abc": 371, "erk30.abc": 720}  # 1,781 tunes


@cache
def readings():
    return {path.name: read_path(path, read_abc_bytes) for path in bundled_tunebooks()}


def test_the_tunebooks_are_found_without_importing_music21():
    code = (
        "import sys; from etude.corpora.essen_books import bundled_tunebooks as b; assert b(); "
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


def test_the_note_that_one_tune_lacks_is_put_back():
    book = bundled_tunebooks(["erk20.abc"])[0].read_bytes()
    mended = with_errata(book)
    assert len(mended) == len(book) + 1
    differing = [
        (number, before, after)
        for number, (before, after) in enumerate(zip(book.split(b"\n"), mended.split(b"\n"), strict=True), 1)
        if before != after
    ]
    assert differing == [(3424, b"C=DE | F2=D2CD | 2z", b"C=DE | F2=D2CD | F2z")]
    reading = read_abc_bytes(mended, "erk20.abc")
    assert (len(reading.pieces), reading.rejected) == (COUNTS["erk20.abc"], [])
    [tune] = [piece for piece in reading.pieces if piece.name == "erk20.abc X:237"]
    note = tune.notes[-1]
    assert (note.pitch, note.duration, tune.quarters - note.onset) == (66, 1, 1.5)  # as kern: 4f#, 8r


def test_nothing_but_that_very_text_is_mended():
    book = bundled_tunebooks(["erk20.abc"])[0].read_bytes()
    start, end = book.index(b"X:237\n"), book.index(b"X:238\n")
    in_another_tune = book[:start] + book[end:] + b"\nX:372\nK:C\nC=DE | F2=D2CD | 2z\n"
    in_a_later_tune = book.replace(b"CD | 2z", b"CD | 3z") + b"\nX:372\nK:C\nC=DE | F2=D2CD | 2z\n"
    renumbered = book.replace(b"E0819", b"E0820")
    for other in (b"", renumbered, in_another_tune, in_a_later_tune, with_errata(book)):
        assert with_errata(other) == other


def test_some_bundled_tunes_agree_with_music21_given_the_same_rule_for_accidentals(tmp_path, monkeypatch):
    """Without this version line music21 does not carry accidentals on, as the corpus means them."""
    monkeypatch.setattr(playback, "played", lambda events, metre, tempo: events)  # music21 reads as written
    tunes = [tune for path in bundled_tunebooks() for tune in split_tunes(path.read_text())]
    for number, tune in enumerate(tunes[::90]):
        path = tmp_path / f"{number}.abc"
        path.write_text("%abc-2.1\n%%propagate-accidentals octave\n" + tune)
        (ours,), (theirs,) = parse_abc(tune).pieces, read_path(path, read_with_music21_bytes).pieces
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
    with pytest.raises(EtudeError, match="has no key"):
        infer_mode(Piece.from_notes([(0, 1, 60)]))


def test_the_bundled_tunes_in_minor_are_found():
    pieces = [piece for reading in readings().values() for piece in reading.pieces]
    assert {piece.key.mode for piece in pieces} == {"major"}  # all the files state
    inferred = [replace(piece, key=infer_mode(piece)).key.mode for piece in pieces]
    assert (inferred.count("major"), inferred.count("minor")) == (1647, 133)
