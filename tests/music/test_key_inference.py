"""Inferred keys: those of music21's own analysis, and of tunes that state theirs."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from music21 import note, stream
from music21.analysis.discrete import TemperleyKostkaPayne

from etude.corpora.essen import bundled_tunebooks
from etude.formats.abc.reader import read_abc_bytes
from etude.music import Key, Piece
from etude.music.key_inference import PROFILES, inferred_key
from strategies import pieces


def by_music21(piece: Piece) -> list[tuple[int, str, float]]:
    """Keys by music21, the likeliest first: pitch class, mode, correlation."""
    score = stream.Stream()
    for each in piece.notes:
        score.insert(each.onset, note.Note(each.pitch, quarterLength=each.duration))
    key = score.analyze("TemperleyKostkaPayne")
    return [
        (one.tonic.pitchClass, one.mode, one.correlationCoefficient)
        for one in (key, *key.alternateInterpretations)
    ]


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_the_profiles_are_those_of_music21(mode: str) -> None:
    assert list(PROFILES[mode]) == TemperleyKostkaPayne().getWeights(mode)


SCALES = {"major": (0, 2, 4, 5, 7, 9, 11, 12), "minor": (0, 2, 3, 5, 7, 8, 11, 12)}


@pytest.mark.parametrize("mode", SCALES)
@pytest.mark.parametrize("tonic", range(12))
def test_a_scale_that_rests_on_its_tonic(tonic: int, mode: str) -> None:
    steps = [*SCALES[mode], 7, 0]
    scale = Piece.from_notes(
        [(time, 1 + (step % 12 == 0), 60 + tonic + step) for time, step in enumerate(steps)]
    )
    assert (inferred_key(scale).pitch_class, inferred_key(scale).mode) == (tonic, mode)


@settings(max_examples=25, deadline=None)
@given(pieces(max_notes=10, tuplets=False))
def test_it_is_the_key_that_music21_finds(piece: Piece) -> None:
    (tonic, mode, best), (_, _, second), *_ = by_music21(piece)
    assume(best - second > 1e-6)  # of equal ones either is right
    key = inferred_key(piece)
    assert (key.pitch_class, key.mode) == (tonic, mode)


def test_most_folk_songs_are_in_the_key_that_they_state() -> None:
    tunes = [
        tune for book in bundled_tunebooks() for tune in read_abc_bytes(book.read_bytes(), book.name).pieces
    ]
    stated = [tune for tune in tunes if tune.key]
    right = sum(
        (key.pitch_class, key.mode) == (tune.key.pitch_class, tune.key.mode)
        for tune in stated
        for key in [inferred_key(tune)]
        if tune.key
    )
    assert len(stated) > 1000
    assert right / len(stated) > 0.9


def test_a_piece_without_any_difference_is_in_c_major() -> None:
    assert inferred_key(Piece.from_notes([])) == Key("C")
    assert inferred_key(Piece.from_notes([(Fraction(n), 1, 60 + n) for n in range(12)])) == Key("C")
