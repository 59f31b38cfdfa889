"""The same music in shorter ticks."""

import dataclasses
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from etude.music import Metre, Piece
from strategies import pieces


def marks(piece: Piece) -> list[Any]:
    """Metres, tempos and pickup, in quarter notes."""
    changes = [(Fraction(tick, piece.division), mark) for tick, mark in (*piece.metres, *piece.tempos)]
    return [*changes, Fraction(piece.pickup, piece.division)]


@settings(max_examples=25)
@given(pieces(max_notes=6), st.integers(1, 9))
def test_nothing_moves(piece: Piece, factor: int) -> None:
    piece = dataclasses.replace(
        piece,
        length=piece.length + piece.division,
        metres=(*piece.metres, (piece.length, Metre(3, 4))),
        tempos=(*piece.tempos, (piece.length, 99.0)),
    )
    finer = piece.finer(factor)
    assert finer == piece
    assert finer.division == factor * piece.division
    assert marks(finer) == marks(piece)
