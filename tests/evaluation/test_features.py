"""Each feature on pieces whose value a person can count."""

import math
from typing import Any

import numpy as np
import pytest

from etude.evaluation.bootstrap import Estimate, estimate, resampled_sums
from etude.evaluation.distances import compare, histograms, jensen_shannon, overlapping_area
from etude.evaluation.features import FEATURES, Feature, tonic
from etude.music import Metre, Piece

BY_NAME = {feature.name: feature for feature in FEATURES}


def melody(*pitches: int, length: int | None = None, **more: Any) -> Piece:
    """Quarter notes in a row."""
    notes = [(onset, 1, pitch) for onset, pitch in enumerate(pitches)]
    return Piece.from_notes(notes, length=length or len(pitches), **more)


def value(name: str, piece: Piece) -> list[float]:
    return BY_NAME[name].values(piece).tolist()


def test_pitches() -> None:
    piece = melody(60, 62, 64, 72)
    assert value("pitch range", piece) == [12]
    # C twice, D, E: shares 1/2, 1/4, 1/4
    assert value("pitch-class entropy", piece) == [pytest.approx(1.5)]
    assert value("pitch-class entropy", melody(*range(60, 72))) == [pytest.approx(math.log2(12))]
    assert value("pitch-class entropy", melody(60, 60)) == [0]
    assert value("pitch class", piece) == [0, 2, 4, 0]
    assert value("melodic interval", melody(60, 62, 60, 80)) == [2, -2, 12]  # wider than an octave: 12


def test_in_key_is_the_share_of_the_best_scale() -> None:
    c_major = (60, 62, 64, 65, 67, 69, 71)
    assert value("in key", melody(*c_major)) == [1]
    assert value("in key", melody(*(pitch + 6 for pitch in c_major))) == [1]
    assert value("in key", melody(*c_major, 61)) == [pytest.approx(7 / 8)]
    assert value("in key", melody(*range(60, 72))) == [pytest.approx(7 / 12)]


def test_the_tonic_is_that_of_a_cadence_in_every_key() -> None:
    cadence = (60, 64, 67, 65, 69, 72, 67, 71, 74, 67, 72, 64, 60)
    for up in range(12):
        piece = melody(*(pitch + up for pitch in cadence))
        assert tonic(piece) == up
        assert value("ends on the tonic", piece) == [1]
    assert value("ends on the tonic", melody(*cadence, 62)) == [0]


def test_time() -> None:
    chord = Piece.from_notes([(0, 2, 60), (0, 2, 64), (0, 1, 67), (3, 1, 60)], length=8)
    # 6 note-quarters in 3 sounding quarters; 5 of 8 are silent
    assert value("polyphony", chord) == [2]
    assert value("rests", chord) == [pytest.approx(5 / 8)]
    assert sorted(value("note length", chord)) == [1, 1, 2, 2]
    assert value("empty bars", chord) == [0.5]  # the second bar of 4/4
    assert value("polyphony", melody(60, 62)) == [1]
    assert value("rests", melody(60, 62)) == [0]


def test_bars_begin_after_the_pickup_and_follow_the_metre() -> None:
    waltz = melody(67, *[60, 64, 67] * 3, metres=[(0, Metre(3, 4))], pickup=1)
    assert value("repeated bars", waltz) == [pytest.approx(2 / 3)]
    assert value("empty bars", waltz) == [0]
    changing = melody(60, 62, 64, 65, metres=[(0, Metre(3, 4)), (3, Metre(4, 4))])
    assert value("repeated bars", changing) == []  # no bars to compare


def test_groove_is_the_likeness_of_successive_bars() -> None:
    steady = melody(*[60] * 8)
    assert value("groove consistency", steady) == [1]
    halves = [(0, 2, 60), (2, 2, 62), (4, 1, 60), (5, 1, 60), (6, 1, 60), (7, 1, 60)]
    # of 16 steps, two begin a note in the second bar alone
    assert value("groove consistency", Piece.from_notes(halves)) == [pytest.approx(1 - 2 / 16)]


def test_a_phrase_is_whole_after_eight_bars_with_the_upbeat_and_the_rest_of_its_bar() -> None:
    waltz = [(0, Metre(3, 4))]
    for bars in range(1, 18):
        assert value("whole phrases", melody(*[60] * 3 * bars, metres=waltz)) == [bars % 8 == 0]
        assert value("whole phrases", melody(*[60] * 3 * bars, metres=waltz, pickup=1)) == [bars % 8 == 0]
    assert value("whole phrases", melody(*[60] * 31)) == [1]  # the last bar lacks a quarter


def test_a_motif_that_returns_in_another_key_counts_as_repeated() -> None:
    assert value("repeated motifs", melody(60, 62, 65, 64)) == [0]
    # motifs of intervals: +2 +3 -1, +3 -1 +8, -1 +8 +2, +8 +2 +3, then +2 +3 -1 again
    assert value("repeated motifs", melody(60, 62, 65, 64, 72, 74, 77, 76)) == [pytest.approx(1 / 5)]


@pytest.mark.parametrize("feature", FEATURES, ids=lambda each: each.name)
def test_a_piece_without_notes_has_no_feature_but_rests(feature: Feature) -> None:
    empty = Piece.from_notes([], length=4)
    found = feature.values(empty).tolist()
    assert found == {"rests": [1.0], "empty bars": [1.0]}.get(feature.name, [])


def chord(*pitches: int, at: int = 0, length: int = 1) -> list[tuple[int, int, int]]:
    return [(at, length, pitch) for pitch in pitches]


def test_chords_are_known_in_every_key_and_inversion() -> None:
    shapes = [
        (0, 4, 7),
        (0, 3, 7),
        (0, 3, 6),
        (0, 4, 8),
        (0, 4, 7, 10),
        (0, 4, 7, 11),
        (0, 3, 7, 10),
        (0, 3, 6, 10),
        (0, 3, 6, 9),
    ]
    for kind, shape in enumerate([*shapes, (0, 2, 7)]):
        for up in range(12):
            inverted = [60 + up + shape[0] + 12, *(60 + up + step for step in shape[1:])]
            assert value("chord kind", Piece.from_notes(chord(*inverted))) == [kind]


def test_chords_are_counted_where_three_pitch_classes_sound() -> None:
    # C with E and G; an octave and a third; D enters over C and G that still sound: D G C, no triad
    piece = Piece.from_notes(
        [*chord(60, 64, 67), *chord(60, 64, 72, at=1), *chord(60, 67, at=2, length=2), *chord(62, at=3)]
    )
    assert value("chord kind", piece) == [0, 9]
    assert value("known chords", piece) == [0.5]
    assert value("chord entropy", piece) == [0]
    cadence = Piece.from_notes(
        [*chord(60, 64, 67), *chord(65, 69, 72, at=1), *chord(67, 71, 74, at=2), *chord(60, 64, 67, at=3)]
    )
    assert value("chord entropy", cadence) == [pytest.approx(1.5)]  # C twice of four
    assert value("chord kind", melody(60, 64, 67)) == value("known chords", melody(60, 64, 67)) == []


def test_two_histograms_by_hand() -> None:
    half, whole, other = np.array([1.0, 1, 0]), np.array([2.0, 0, 0]), np.array([0.0, 0, 5])
    assert overlapping_area(half, half * 3) == 1
    assert overlapping_area(half, whole) == 0.5
    assert overlapping_area(whole, other) == 0
    assert jensen_shannon(half, half * 3) == 0
    assert jensen_shannon(whole, other) == 1
    # middle (3/4, 1/4): 1/2 [1/2 ln(2/3) + 1/2 ln 2] + 1/2 ln(4/3), in bits
    divergence = 0.5 * (0.5 * math.log2(2 / 3) + 0.5 * math.log2(2)) + 0.5 * math.log2(4 / 3)
    assert jensen_shannon(half, whole) == pytest.approx(math.sqrt(divergence))


def test_each_feature_has_a_grid_that_its_values_fall_into() -> None:
    pieces = [melody(60, 62, 64, 65, 67), melody(40, 90)]
    for feature in FEATURES:
        counts, sums = histograms(feature, pieces)
        assert counts.sum() == sums[:, 1].sum() == sum(len(feature.values(piece)) for piece in pieces)


def test_the_same_pieces_are_alike_and_other_pieces_are_not() -> None:
    low, high = [melody(40, 41, 43 + up) for up in range(9)], [melody(40, 70, 90 + up) for up in range(9)]
    same = compare(BY_NAME["pitch range"], low, low, low, resamples=200, seed=0)
    other = compare(BY_NAME["pitch range"], high, low, low, resamples=200, seed=0)
    assert (same["overlap"]["value"], same["distance"]["value"]) == (1, 0)
    assert (other["overlap"]["value"], other["distance"]["value"]) == (0, 1)
    assert other["samples"]["value"] == pytest.approx(54)
    assert other["overlap_training"]["value"] == 1
    for row in (same, other):
        assert all(row[key]["low"] <= row[key]["value"] <= row[key]["high"] for key in ("overlap", "samples"))


def test_an_interval_holds_the_mean_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(1), 0
    for trial in range(200):
        rows = np.stack([rng.normal(3, 1, 60), np.ones(60)], axis=1)
        drawn = resampled_sums(rows, 300, seed=trial)
        found = estimate(float(rows[:, 0].mean()), drawn[:, 0] / drawn[:, 1])
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 3 <= found.high
    assert 180 <= held <= 199


def test_an_interval_repeats_with_its_seed_and_needs_values() -> None:
    rows = np.arange(20.0).reshape(10, 2)
    assert resampled_sums(rows, 50, seed=3).tolist() == resampled_sums(rows, 50, seed=3).tolist()
    assert set(resampled_sums(np.ones((len(rows), 1)), 50, seed=3).ravel()) == {len(rows)}
    assert estimate(1.0, np.full(10, np.nan)) == Estimate(1.0)
