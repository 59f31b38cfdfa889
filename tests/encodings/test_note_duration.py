from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.encodings.note_duration import NoteDurationEncoding
from etude.errors import EncodeError
from etude.music import Note, Piece

ENCODING = NoteDurationEncoding()
STEP = Fraction(1, 4)

rows = st.lists(st.tuples(st.none() | st.integers(0, 127), st.integers(1, 99)), min_size=1, max_size=30)


def melody(parts: list[tuple[int | None, int]]) -> Piece:
    notes, position = [], Fraction(0)
    for pitch, steps in parts:
        if pitch is not None:
            notes.append(Note(position, steps * STEP, pitch))
        position += steps * STEP
    return Piece.from_notes(notes, length=position)


def test_a_melody_with_rests_at_both_ends() -> None:
    assert ENCODING.encode(melody([(None, 2), (60, 4), (64, 1), (None, 3)])) == ["r/2", "60/4", "64/1", "r/3"]


@given(rows)
def test_round_trip(parts: list[tuple[int | None, int]]) -> None:
    piece = melody(parts)
    decoded = ENCODING.decode(ENCODING.encode(piece))
    assert decoded.piece == piece
    assert not decoded.repairs


@given(rows)
def test_any_tokens_decode_and_only_split_rests_are_repaired(parts: list[tuple[int | None, int]]) -> None:
    tokens = [f"{'r' if pitch is None else pitch}/{steps}" for pitch, steps in parts]
    decoded = ENCODING.decode(tokens)
    assert decoded.piece == melody(parts)
    again = ENCODING.encode(decoded.piece)
    assert len(tokens) - len(again) == decoded.repairs["rest after a rest"]
    assert set(decoded.repairs) <= {"rest after a rest"}


@given(rows, st.sampled_from(["1/8", "1/12", "1/32"]))
def test_the_step_scales_time(parts: list[tuple[int | None, int]], step: str) -> None:
    tokens = ENCODING.encode(melody(parts))
    other = NoteDurationEncoding(step)
    assert other.decode(tokens).piece.quarters == sum(steps for _, steps in parts) * 4 * Fraction(step)
    assert other.encode(other.decode(tokens).piece) == tokens


@pytest.mark.parametrize(
    "token", ["", "60", "60/", "60/0", "128/4", "060/4", "r", "60/4 ", "-1/2", "60/4/2", "r/01", "٦/4"]
)
def test_other_tokens_are_errors(token: str) -> None:
    with pytest.raises(ValueError, match="is not a note and its steps"):
        ENCODING.decode([token])


def test_what_it_does_not_accept() -> None:
    two = [Note(Fraction(0), Fraction(1), 60), Note(Fraction(1, 2), Fraction(1), 64)]
    with pytest.raises(EncodeError, match="at once"):
        ENCODING.encode(Piece.from_notes(two))
    with pytest.raises(EncodeError, match="grid of 1/16"):
        ENCODING.encode(Piece.from_notes([Note(Fraction(0), Fraction(1, 3), 60)]))
    with pytest.raises(EncodeError, match="grid of 1/16"):
        ENCODING.encode(Piece.from_notes(two[:1], length=Fraction(4, 3)))
    with pytest.raises(EncodeError, match="no notes"):
        ENCODING.encode(Piece.from_notes([]))


def test_config_fixes_the_tokens() -> None:
    assert (ENCODING.name, ENCODING.symbols, ENCODING.config()) == ("note_duration", None, {"step": "1/16"})
