"""Transposition to C major or A minor: the rule, and the published counts that only this rule gives."""

from __future__ import annotations

import zipfile

import pytest

from corpora import published
from etude.errors import EncodeError
from etude.formats.kern.reader import read_kern_bytes
from etude.music import Key, Piece
from etude.music.transposition import to_c_major_or_a_minor


def in_key(key: Key | None, pitch: int = 60) -> Piece:
    return Piece.from_notes([(0, 1, pitch)], key=key)


@pytest.mark.parametrize(
    ("key", "semitones", "target"),
    [
        (Key("C"), 0, Key("C")),
        (Key("G"), -7, Key("C")),
        (Key("F"), -5, Key("C")),
        (Key("Bb"), -10, Key("C")),
        (Key("B"), -11, Key("C")),
        (Key("Cb"), 1, Key("C")),
        (Key("A", "minor"), 0, Key("A", "minor")),
        (Key("C", "minor"), 9, Key("A", "minor")),
        (Key("B", "minor"), -2, Key("A", "minor")),
        (Key("F#", "minor"), 3, Key("A", "minor")),
        (Key("D", "dorian"), 7, Key("A", "dorian")),
        (Key("G", "mixolydian"), -7, Key("C", "mixolydian")),
    ],
)
def test_the_tonic_goes_to_c4_or_a4(key, semitones, target):
    moved = to_c_major_or_a_minor(in_key(key))
    assert [note.pitch for note in moved.notes] == [60 + semitones]
    assert moved.key == target


def test_a_piece_without_a_key_is_not_moved():
    with pytest.raises(EncodeError, match="no key"):
        to_c_major_or_a_minor(in_key(None))


def test_a_pitch_out_of_range_is_an_encode_error():
    with pytest.raises(EncodeError, match=r"0\.\.127"):
        to_c_major_or_a_minor(in_key(Key("G"), pitch=3))


def test_the_published_counts():
    with zipfile.ZipFile(published("erk.zip")) as archive:
        names = [name for name in archive.namelist() if name.startswith("erk/") and name.endswith(".krn")]
        songs = [read_kern_bytes(archive.read(name), name).pieces[0] for name in names]
    fitting = [to_c_major_or_a_minor(song) for song in songs if fits_sixteenths(song)]
    pitches = {pitch for song in fitting for pitch in song.pitch.tolist()}
    assert (len(songs), len(fitting)) == (1700, 1683)
    assert sum(song.quarters * 4 for song in fitting) == 254_530
    assert len(pitches) + len({"_", "r", "/"}) == 38
    assert (min(pitches), max(pitches)) == (45, 81)


def fits_sixteenths(song: Piece) -> bool:
    return not ((song.onset * 4 % song.division).any() or (song.duration * 4 % song.division).any())
