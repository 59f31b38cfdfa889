"""The grid encoding: round trip, total decoding, refusals."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.encodings import GridEncoding
from etude.errors import EncodeError
from etude.music import Piece

GRID = GridEncoding("1/16")
TOKENS = st.lists(st.one_of(st.sampled_from(["_", "r"]), st.integers(0, 127).map(str)))


@st.composite
def melodies(draw: st.DrawFn) -> Piece:
    """Melodies of 1/16 steps: gaps, notes and a rest at the end, in any division that is exact."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(1, 9), st.integers(0, 127)), min_size=1, max_size=40
        )
    )
    notes, time = [], Fraction(0)
    for gap, steps, pitch in rows:
        time += Fraction(gap, 4)
        notes.append((time, Fraction(steps, 4), pitch))
        time += Fraction(steps, 4)
    piece = Piece.from_notes(notes, length=time + Fraction(draw(st.integers(0, 5)), 4))
    return piece.finer(draw(st.integers(1, 7)))


def slow_encode(piece: Piece) -> list[str]:
    """The definition, step by step."""
    tokens = []
    for step in range(int(piece.quarters * 4)):
        now = Fraction(step, 4)
        sounding = [note for note in piece.notes if note.onset <= now < note.onset + note.duration]
        was_silent = tokens and not any(
            note.onset <= now - Fraction(1, 4) < note.onset + note.duration for note in piece.notes
        )
        if sounding:
            tokens.append(str(sounding[0].pitch) if sounding[0].onset == now else "_")
        else:
            tokens.append("_" if was_silent else "r")
    return tokens


@given(melodies())
def test_decoding_gives_the_piece_back_to_the_last_step(piece: Piece) -> None:
    decoded = GRID.decode(GRID.encode(piece))
    assert decoded.piece == piece
    assert not decoded.repairs


@given(melodies())
def test_encoding_is_its_definition(piece: Piece) -> None:
    assert GRID.encode(piece) == slow_encode(piece)


@given(TOKENS)
def test_decoding_is_total_and_repairs_only_what_encoding_never_writes(tokens: list[str]) -> None:
    decoded = GRID.decode(tokens)
    assert decoded.piece.quarters == Fraction(len(tokens), 4)
    if tokens:
        assert (GRID.encode(decoded.piece) == tokens) == (not decoded.repairs)


def test_the_articles_example() -> None:
    tokens = ["55", "_", "_", "_", "60", "_", "_", "_", "r", "_", "_", "_", "62", "_", "64", "_"]
    piece = GRID.decode(tokens).piece
    assert [(note.onset, note.duration, note.pitch) for note in piece.notes] == [
        (0, 1, 55),
        (1, 1, 60),
        (3, Fraction(1, 2), 62),
        (Fraction(7, 2), Fraction(1, 2), 64),
    ]


def test_a_bare_last_onset_is_a_note_of_one_step() -> None:
    assert [note.duration for note in GRID.decode(["60", "_", "62"]).piece.notes] == [
        Fraction(1, 2),
        Fraction(1, 4),
    ]


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (Piece.from_notes([(0, Fraction(1, 3), 60)]), "does not fit the grid of 1/16"),
        (Piece.from_notes([(Fraction(1, 8), 1, 60)], length=2), "does not fit"),
        (Piece.from_notes([(0, 1, 60)], length=Fraction(9, 8)), "does not fit"),
        (Piece.from_notes([(0, 2, 60), (1, 1, 62)]), "sound at once"),
        (Piece.from_notes([]), "no notes"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(piece: Piece, reason: str) -> None:
    with pytest.raises(EncodeError, match=reason):
        GRID.encode(piece)


def test_a_foreign_token_is_named() -> None:
    with pytest.raises(ValueError, match="'C4' is not a grid token"):
        GRID.decode(["C4"])
