from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.encodings.voices import VoicesEncoding
from etude.errors import EncodeError
from etude.music import Note, Piece

ENCODING = VoicesEncoding()
STEP = Fraction(1, 4)

line = st.lists(st.tuples(st.none() | st.integers(0, 127), st.integers(1, 99)), max_size=12)
lines = st.lists(line, min_size=1, max_size=4).filter(
    lambda voices: any(pitch is not None for voice in voices for pitch, _ in voice)
)
tokens = st.lists(
    st.builds("{}:{}/{}".format, st.integers(1, 4), st.integers(0, 127), st.integers(1, 20))
    | st.builds("+{}".format, st.integers(1, 20)),
    max_size=30,
)


def piece_of(voices: list[list[tuple[int | None, int]]], silence: int = 0) -> Piece:
    notes, length = [], 0
    for part, voice in enumerate(voices):
        position = 0
        for pitch, steps in voice:
            if pitch is not None:
                notes.append(Note(position * STEP, steps * STEP, pitch, part=part))
            position += steps
        length = max(length, position)
    return Piece.from_notes(notes, length=(length + silence) * STEP)


def test_a_cadence_in_four_voices() -> None:
    cadence = piece_of([[(None, 4), (71, 4), (72, 8)], [(None, 4), (67, 12)],
                        [(None, 4), (65, 2), (62, 2), (64, 8)], [(None, 4), (55, 4), (48, 4)]])  # fmt: skip
    written = "+4 1:71/4 2:67/12 3:65/2 4:55/4 +2 3:62/2 +2 1:72/8 3:64/8 4:48/4 +8"
    assert ENCODING.join(ENCODING.encode(cadence)) == written


@given(lines, st.integers(0, 9))
def test_round_trip(voices: list[list[tuple[int | None, int]]], silence: int) -> None:
    piece = piece_of(voices, silence)
    decoded = ENCODING.decode(ENCODING.encode(piece))
    assert decoded.piece == piece
    assert not decoded.repairs


@given(tokens)
def test_any_tokens_decode_and_give_a_piece_that_is_accepted(found: list[str]) -> None:
    decoded = ENCODING.decode(found)
    if len(decoded.piece):
        again = ENCODING.encode(decoded.piece)
        assert ENCODING.decode(again).piece == decoded.piece


@given(lines, st.sampled_from(["1/8", "1/12", "1/32"]))
def test_the_step_scales_time(voices: list[list[tuple[int | None, int]]], step: str) -> None:
    written = ENCODING.encode(piece_of(voices))
    other = VoicesEncoding(step)
    assert other.decode(written).piece.quarters == piece_of(voices).quarters * 16 * Fraction(step)
    assert other.encode(other.decode(written).piece) == written


@pytest.mark.parametrize(
    ("written", "notes", "repairs"),
    [
        ("1:60/4 +2 1:62/4 +4", [(0, 2, 60), (2, 4, 62)], {"note within a note of its voice": 1}),
        ("1:60/4 1:62/4 +4", [(0, 4, 62)], {"note within a note of its voice": 1}),
        ("+2 +2 1:60/4 +4", [(4, 4, 60)], {"shift after a shift": 1}),
    ],
)
def test_repairs(written: str, notes: list[tuple[int, int, int]], repairs: dict[str, int]) -> None:
    decoded = ENCODING.decode(written.split())
    expected = [(onset * STEP, steps * STEP, pitch) for onset, steps, pitch in notes]
    assert decoded.piece == Piece.from_notes(expected)
    assert decoded.repairs == repairs


@pytest.mark.parametrize(
    "token", ["", "60/4", "1:60", "0:60/4", "5:60/4", "1:128/4", "1:060/4", "1:60/0", "+0", "+", "٦:60/4"]
)
def test_other_tokens_are_errors(token: str) -> None:
    with pytest.raises(ValueError, match="is not a note of a voice from 1 to 4"):
        ENCODING.decode([token])


def test_what_it_does_not_accept() -> None:
    five = Piece.from_notes([Note(Fraction(0), Fraction(1), 60, part=part) for part in range(5)])
    with pytest.raises(EncodeError, match=r"more parts than data\.encoding\.voices=4"):
        ENCODING.encode(five)
    assert VoicesEncoding(voices=5).encode(five)[-2:] == ["5:60/4", "+4"]
    chord = [Note(Fraction(0), Fraction(1), pitch, part=1) for pitch in (60, 64)]
    with pytest.raises(EncodeError, match="several notes of part 2 sound at once"):
        ENCODING.encode(Piece.from_notes(chord))
    with pytest.raises(EncodeError, match="grid of 1/16"):
        ENCODING.encode(Piece.from_notes([Note(Fraction(0), Fraction(1, 3), 60)]))
    with pytest.raises(EncodeError, match="no notes"):
        ENCODING.encode(Piece.from_notes([]))


def test_config_fixes_the_tokens() -> None:
    assert (ENCODING.name, ENCODING.symbols) == ("voices", None)
    assert ENCODING.config() == {"step": "1/16", "voices": 4}
