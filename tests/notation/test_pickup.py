"""The pickup that a song's notes speak for is most often the one that its page states."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given

from etude.corpora.essen import bundled_tunebooks
from etude.formats.abc.reader import read_abc
from etude.music import Metre, Piece
from etude.notation.pickup import inferred_pickup, with_inferred_pickup
from strategies import pieces


def test_most_printed_songs_are_barred_as_printed() -> None:
    """The last tunebook's 720 songs; with no pickup at all, 164 of them would be right."""
    songs = [song for song in read_abc(bundled_tunebooks()[-1]).pieces if len(song.metres) == 1]
    right = sum(inferred_pickup(song) == song.pickup for song in songs)
    assert right > 0.75 * len(songs)


@given(pieces())
def test_a_pickup_is_shorter_than_a_bar_and_the_notes_stay(piece: Piece) -> None:
    found = with_inferred_pickup(piece)
    assert found == piece
    assert 0 <= found.pickup < (piece.metre.quarters if piece.metre else 1) * piece.division


def test_an_upbeat_before_long_notes() -> None:
    notes = [(0, Fraction(1, 2), 60)]
    for bar in range(4):
        notes += [(bar * 3 + Fraction(1, 2), 2, 65), (bar * 3 + Fraction(5, 2), 1, 64)]
    piece = Piece.from_notes(notes, metres=[(0, Metre(3, 4))])
    assert inferred_pickup(piece) == piece.division // 2
    assert inferred_pickup(Piece.from_notes(notes)) == 0
