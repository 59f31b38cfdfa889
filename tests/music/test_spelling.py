"""Pitch names in keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.music import Key
from etude.music.key import PITCH_CLASS_OF_LETTER
from etude.music.spelling import pitch_name, signature_alters, spell, written_key
from strategies import keys


@given(st.integers(0, 127), keys)
def test_a_name_sounds_its_pitch(pitch: int, key: Key) -> None:
    letter, alter, octave = spell(pitch, key)
    assert 12 * (octave + 1) + PITCH_CLASS_OF_LETTER[letter] + alter == pitch


@given(keys)
def test_the_scale_is_spelt_as_in_the_signature(key: Key) -> None:
    signature = signature_alters(key.fifths)
    scale = {(12 * 5 + PITCH_CLASS_OF_LETTER[letter] + alter): letter for letter, alter in signature.items()}
    leading_tone = (key.pitch_class - 1) % 12 if key.mode == "minor" else None
    for pitch, letter in scale.items():
        if pitch % 12 != leading_tone:  # in A sharp minor it has the pitch of the natural sixth below
            assert spell(pitch, key)[:2] == (letter, signature[letter])


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("C major", "C C# D Eb E F F# G G# A Bb B"),
        ("A minor", "C C# D D# E F F# G G# A Bb B"),
        ("D major", "C C# D D# E F F# G G# A A# B"),
        ("Eb major", "C Db D Eb E F Gb G Ab A Bb B"),
        ("G# minor", "B# C# D D# E E# F# F## G# A A# B"),
        ("F# minor", "B# C# D D# E E# F# G G# A A# B"),
        ("F minor", "C Db D Eb E F Gb G Ab A Bb B"),
    ],
)
def test_chromatic_scales(key: str, names: str) -> None:
    tonic, mode = key.split()
    spelt = [spell(pitch, Key(tonic, mode)) for pitch in range(60, 72)]
    assert " ".join(str(name)[:-1] for name in spelt) == names


def test_octaves_are_counted_from_the_letter() -> None:
    assert str(spell(60, Key("C#"))) == "B#3"
    assert str(spell(71, Key("Cb"))) == "Cb5"


def test_pitch_names_on_an_axis() -> None:
    assert [pitch_name(pitch) for pitch in (0, 60, 127)] == ["C-1", "C4", "G9"]


def test_a_key_of_eight_sharps_is_written_as_its_neighbour() -> None:
    assert written_key(Key("G#")) == Key("Ab")
    assert written_key(Key("C#")) == Key("C#")
    assert written_key(None) == Key("C")
