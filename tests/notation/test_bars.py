"""Bar lines: pickups, changes of metre, the last bar; and tempo marks."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given

from etude.music import Metre, Piece
from etude.notation.bars import bars_of, metre_levels, tempo_marks
from strategies import pieces


def shape(piece: Piece) -> list[tuple[int, Fraction, Fraction]]:
    return [(bar.number, bar.start, bar.length) for bar in bars_of(piece)]


@given(pieces())
def test_bars_follow_one_another_and_hold_the_piece(piece: Piece) -> None:
    bars = bars_of(piece)
    assert bars[0].start == 0
    assert all(bar.end == after.start for bar, after in pairwise(bars))
    assert bars[-1].start < max(piece.quarters, Fraction(1)) <= max(bars[-1].end, Fraction(1))


def test_without_a_metre_bars_have_four_quarters() -> None:
    assert shape(Piece.from_notes([(0, 5, 60)])) == [(1, 0, 4), (2, 4, 4)]


def test_an_empty_piece_has_a_bar() -> None:
    assert shape(Piece.from_notes([])) == [(1, 0, 4)]


def test_a_pickup_is_bar_nought_and_the_last_bar_completes_it() -> None:
    piece = Piece.from_notes([(0, 1, 60), (1, 5, 62)], metres=[(0, Metre(3, 4))], pickup=1)
    assert shape(piece) == [(0, 0, 1), (1, 1, 3), (2, 4, 2)]
    assert bars_of(piece)[0].lead == 2


def test_a_last_bar_that_does_not_complete_the_pickup_is_full() -> None:
    piece = Piece.from_notes([(0, 1, 60), (1, 4, 62)], metres=[(0, Metre(3, 4))], pickup=1)
    assert shape(piece)[-1] == (2, 4, 3)


def test_a_metre_that_changes_within_a_bar_cuts_it_short() -> None:
    piece = Piece.from_notes([(0, 9, 60)], metres=[(0, Metre(4, 4)), (6, Metre(3, 4))])
    assert shape(piece) == [(1, 0, 4), (2, 4, 2), (3, 6, 3)]
    assert [bar.states_metre for bar in bars_of(piece)] == [True, False, True]


def test_the_same_metre_again_is_not_printed() -> None:
    piece = Piece.from_notes([(0, 8, 60)], metres=[(0, Metre(4, 4)), (4, Metre(4, 4))])
    assert [bar.states_metre for bar in bars_of(piece)] == [True, False]


def test_levels_of_metres() -> None:
    assert metre_levels(Metre(4, 4))[:4] == (4, 2, 1, Fraction(1, 2))
    assert metre_levels(Metre(3, 4))[:3] == (3, 1, Fraction(1, 2))
    assert metre_levels(Metre(6, 8))[:4] == (3, Fraction(3, 2), Fraction(1, 2), Fraction(1, 4))


def test_a_bar_shows_its_first_tempo() -> None:
    piece = Piece.from_notes([(0, 8, 60)], tempos=[(0, 90.0), (5, 80.0), (6, 70.0), (20, 60.0)])
    assert tempo_marks(piece, bars_of(piece)) == {0: (0, 90.0), 1: (1, 80.0)}


def test_of_many_tempos_only_great_changes_are_shown() -> None:
    """A performer's tempo moves with each bar; that of a movement is another."""
    rubato = [(4 * bar, 100.0 + bar % 3) for bar in range(8)] + [(32, 60.0), (36, 61.0)]
    piece = Piece.from_notes([(0, 40, 60)], metres=[(0, Metre(4, 4))], tempos=rubato)
    assert tempo_marks(piece, bars_of(piece)) == {0: (0, 100.0), 8: (0, 60.0)}
    few = Piece.from_notes([(0, 40, 60)], tempos=[(0, 100.0), (4, 96.0), (8, 100.0)])
    assert sorted(tempo_marks(few, bars_of(few))) == [0, 1, 2]
