"""The first bars of a piece: notes kept, shortened and left out."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.music import Metre, Piece
from etude.music.excerpt import first_notes, first_quarters
from strategies import pieces


@given(pieces(), st.fractions(0, 60, max_denominator=12))
def test_the_first_quarters_sound_as_in_the_piece(piece: Piece, quarters: Fraction) -> None:
    excerpt = first_quarters(piece, quarters)
    end = Fraction(round(quarters * piece.division), piece.division)
    kept = [
        note._replace(duration=min(note.duration, end - note.onset))
        for note in piece.notes
        if note.onset < end
    ]
    assert sorted(excerpt.notes) == sorted(kept)
    assert excerpt.quarters == min(end, piece.quarters)
    assert (excerpt.key, excerpt.metre, excerpt.tempo, excerpt.pickup) == (
        piece.key, piece.metre, piece.tempo, piece.pickup,
    )  # fmt: skip


@given(pieces(), st.integers(1, 6))
def test_the_first_notes_include_the_whole_chord_of_the_last(piece: Piece, count: int) -> None:
    found, notes = first_notes(piece, count), piece.notes
    if count < len(notes):
        assert found.notes == [note for note in notes if note.onset <= notes[count - 1].onset]
    else:
        assert found is piece


@given(pieces())
def test_all_of_it_is_the_piece(piece: Piece) -> None:
    assert first_quarters(piece, piece.quarters) == piece


def test_later_metres_and_tempos_are_left_out() -> None:
    piece = Piece.from_notes(
        [(0, 3, 60), (3, 4, 62)],
        metres=[(0, Metre(3, 4)), (3, Metre(4, 4))],
        tempos=[(0, 90.0), (3, 100.0)],
    )
    excerpt = first_quarters(piece, 3)
    assert excerpt.metres == ((0, Metre(3, 4)),)
    assert excerpt.tempos == ((0, 90.0),)


def test_a_negative_length_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        first_quarters(Piece.from_notes([(0, 1, 60)]), -1)
