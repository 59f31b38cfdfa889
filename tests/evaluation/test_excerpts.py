"""An excerpt begins in the bar of its first note, in metre and key of the piece."""

from fractions import Fraction

from etude.evaluation.excerpts import LONGEST, excerpt, excerpt_piece
from etude.music import Key, Metre, Piece


def test_an_excerpt_keeps_its_place_in_the_bar() -> None:
    notes = [(Fraction(n, 2), Fraction(1, 2), 60 + n) for n in range(12)]
    piece = Piece.from_notes(notes, metres=[(0, Metre(3, 4))], key=Key("Bb", "minor"), pickup=1)
    found = excerpt(piece, 4, 3)  # a half after the first bar line, which stands after a quarter
    assert found == {
        "metre": "3/4", "key": "Bb minor", "notes": [[1.0, 0.5, 64], [1.5, 0.5, 65], [2.0, 0.5, 66]],
    }  # fmt: skip
    again = excerpt_piece(found)
    assert again.pitch.tolist() == [64, 65, 66]
    assert (again.metre, again.key, again.quarters) == (Metre(3, 4), Key("Bb", "minor"), Fraction(5, 2))
    # in the bar of the upbeat, the rests before it are counted
    assert excerpt(piece, 1, 1)["notes"] == [[2.5, 0.5, 61]]


def test_thirds_are_exact_and_long_runs_are_cut() -> None:
    triplets = Piece.from_notes([(Fraction(n, 3), Fraction(1, 3), 60) for n in range(100)])
    again = excerpt_piece(excerpt(triplets, 0, 100))
    assert len(again) == LONGEST
    assert again.division == 3
