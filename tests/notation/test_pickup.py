"""The pickup inferred from a song's notes is mostly the printed one."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import pytest
from hypothesis import given

from etude.corpora.essen_books import bundled_tunebooks
from etude.formats.abc.reader import read_abc_bytes
from etude.music import Metre, Piece
from etude.notation import pickup
from etude.notation.pickup import inferred_pickup
from file_reading import read_path
from strategies import pieces


@pytest.fixture(scope="module")
def books() -> list[list[Piece]]:
    """The songs in one metre of the bundled tunebooks."""
    return [
        [song for song in read_path(book, read_abc_bytes).pieces if len(song.metres) == 1]
        for book in bundled_tunebooks()
    ]


def barred_as_printed(songs: Iterable[Piece]) -> int:
    return sum(inferred_pickup(song) == song.pickup for song in songs)


def test_most_printed_songs_are_barred_as_printed(books: list[list[Piece]]) -> None:
    """The last tunebook's 720 songs; with no pickup at all, 164 of them would be right."""
    assert barred_as_printed(books[-1]) > 0.75 * len(books[-1])


def test_without_any_one_kind_of_evidence_fewer_songs_are_barred_as_printed(
    books: list[list[Piece]], monkeypatch: pytest.MonkeyPatch
) -> None:
    songs = [song for book in books for song in book]
    right = barred_as_printed(songs)
    for weight in ("LONG_NOTES", "BARS_WITH_ONSET", "FULL_END", "NO_PICKUP"):
        with monkeypatch.context() as patch:
            patch.setattr(pickup, weight, 0.0)
            assert barred_as_printed(songs) < right


@given(pieces())
def test_a_pickup_is_shorter_than_a_bar(piece: Piece) -> None:
    assert 0 <= inferred_pickup(piece) < (piece.metre.quarters if piece.metre else 1) * piece.division


def test_an_upbeat_before_long_notes() -> None:
    notes = [(0, Fraction(1, 2), 60)]
    for bar in range(4):
        notes += [(bar * 3 + Fraction(1, 2), 2, 65), (bar * 3 + Fraction(5, 2), 1, 64)]
    piece = Piece.from_notes(notes, metres=[(0, Metre(3, 4))])
    assert inferred_pickup(piece) == piece.division // 2
    assert inferred_pickup(Piece.from_notes(notes)) == 0
