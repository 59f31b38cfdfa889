"""Cobb's Music of Ireland: tunes read, tunes rejected with their reason, and music21's reading."""

from __future__ import annotations

import numpy as np
import pytest

from abc_tunes import split_tunes
from corpora import published
from etude import prepare
from etude.corpora import cobb
from etude.errors import EtudeError
from etude.formats.abc import playback
from etude.formats.abc.reader import parse_abc, read_abc_bytes
from etude.formats.music21_reader import read_with_music21_bytes
from etude.music import Key
from file_reading import read_path


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


def test_only_the_training_set_has_copies_in_other_keys(tmp_path, monkeypatch):
    """Sixteen tunes: as many held out as without copies, and no copy of one of them is trained on."""
    text = "".join(split_tunes(published("Music_of_Ireland.abc").read_bytes().decode())[::50])
    (tmp_path / "few.abc").write_text(text)
    monkeypatch.setattr(cobb, "fetch", lambda *where: tmp_path / "few.abc")
    few = ("data=cobb", "data.split_fractions=[0.6,0.2,0.2]", f"data.data_dir={tmp_path}")
    plain, more = prepare(*few), prepare(*few, "data.augment_keys=true")
    for name in ("val", "test"):
        texts = [
            ["".join(each.vocabulary.look_up(ids)) for ids in each.pieces(getattr(each.split, name))]
            for each in (plain, more)
        ]
        assert texts[0] == texts[1] != []
    training = more.split.train.pieces
    assert len(training) == 5 * len(plain.split.train.pieces)
    held_out = plain.store.tunes[np.concatenate([plain.split.val.pieces, plain.split.test.pieces])]
    assert not set(held_out.tolist()) & set(more.store.tunes[training].tolist())


def test_copies_are_in_the_keys_from_one_flat_to_three_sharps():
    tune = split_tunes(published("Music_of_Ireland.abc").read_bytes().decode())[0]  # D major
    keys = [parse_abc(copy).pieces[0].key for copy in cobb.tunes_in_other_keys(tune)]
    assert keys == [Key("F"), Key("C"), Key("G"), Key("A")]
    assert not list(cobb.tunes_in_other_keys("X:1\nK:none\nCDE|\n"))


def test_copies_need_a_split_by_piece():
    with pytest.raises(EtudeError, match=r"data\.augment_keys=true needs data\.split=by_piece"):
        prepare("data=cobb", "data.augment_keys=true", "data.split=by_window")
