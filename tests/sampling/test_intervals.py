"""Intervals from chord to chord, as a corpus has them."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise

from etude.encodings import PitchSetEncoding
from etude.music import Piece
from etude.sampling.intervals import count_intervals, retimed, sample_times

QUARTER, THIRD = Fraction(1), Fraction(1, 3)


def test_steps_are_counted_from_onset_to_onset_of_each_piece() -> None:
    # a chord is one onset, the second of its notes a little late
    one = Piece.from_notes([(0, 4, 60), (1, 1, 62), (Fraction(101, 100), 1, 65), (Fraction(4, 3), 1, 64)])
    two = Piece.from_notes([(7, 1, 60), (8, 1, 60)])
    assert count_intervals([one, two]) == Counter({QUARTER: 2, THIRD: 1})


def test_steps_come_as_often_as_they_were_counted_and_begin_alike() -> None:
    steps = {QUARTER: 1, THIRD: 3}
    times = sample_times(steps, 4000, seed=0, number=2)
    drawn = Counter(after - before for before, after in pairwise(times))
    assert set(drawn) == set(steps)
    assert abs(drawn[THIRD] / 4000 - 3 / 4) < 0.03
    assert sample_times(steps, 5, seed=0, number=2) == times[:6]
    assert sample_times(steps, 50, seed=0, number=3) != times[:51]


def test_chords_move_to_the_times_and_last_until_the_next() -> None:
    even = PitchSetEncoding(step="1/16").decode(["C4", "C4.E4", "G4"]).piece
    moved = retimed(even, Fraction(1, 4), [Fraction(0), THIRD, 1 + THIRD, 3 + THIRD])
    expected = [(0, THIRD, 60), (THIRD, 1, 60), (THIRD, 1, 64), (1 + THIRD, 2, 67)]
    assert moved == Piece.from_notes(expected, length=3 + THIRD)
