"""Performances are quantised for the page; what can be written is left alone."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.music import Key, Metre, Piece
from etude.notation.quantise import is_writable, quantise_performance
from strategies import pieces


@given(pieces())
def test_written_rhythms_stay_as_they_are(piece: Piece) -> None:
    assert quantise_performance(piece) is piece


@given(
    st.lists(
        st.tuples(st.integers(0, 4000), st.integers(1, 900), st.integers(40, 80)), min_size=1, max_size=30
    )
)
def test_a_performance_keeps_its_notes_near_where_they_were(rows: list[tuple[int, int, int]]) -> None:
    piece = Piece.from_notes(
        [(Fraction(on, 125), Fraction(length, 125), pitch) for on, length, pitch in rows]
    )
    quantised = quantise_performance(piece)
    assert sorted(quantised.pitch) == sorted(piece.pitch)
    assert all(is_writable(note.onset) and is_writable(note.duration) for note in quantised.notes)
    assert abs(quantised.onset / quantised.division - piece.onset / piece.division).max() <= 1 / 6


def test_each_quarter_note_takes_the_grid_that_fits_it() -> None:
    off = Fraction(1, 1000)
    times = [Fraction(1, 3) + off, Fraction(2, 3) - off, 1 + Fraction(1, 4) + off, Fraction(7, 4)]
    quantised = quantise_performance(Piece.from_notes([(time, Fraction(1, 8), 60) for time in times]))
    onsets = [note.onset for note in quantised.notes]
    assert onsets == [Fraction(1, 3), Fraction(2, 3), Fraction(5, 4), Fraction(7, 4)]


@pytest.mark.parametrize("second", [Fraction(9, 100), Fraction(11, 100), Fraction(12, 100)])
def test_notes_that_are_clearly_apart_do_not_become_a_chord(second: Fraction) -> None:
    """Sixteenths would serve the other notes of the quarter note at less cost."""
    times = [Fraction(0), second, Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)]
    quantised = quantise_performance(Piece.from_notes([(time, Fraction(1, 10), 60) for time in times]))
    assert len(set(quantised.onset.tolist())) == len(times)


def test_tuplets_that_would_cut_a_note_too_short_are_quantised() -> None:
    ends = [Fraction(1, 3), Fraction(1, 5), Fraction(1, 7)]
    assert quantise_performance(Piece.from_notes([(0, end, 60) for end in ends[:2]])).division == 15
    assert quantise_performance(Piece.from_notes([(0, end, 60) for end in ends])).division < 15


def test_a_length_that_cannot_be_written_moves_no_note() -> None:
    piece = Piece.from_notes([(0, Fraction(1, 8), 60)], length=Fraction(481, 480))
    assert quantise_performance(piece) is piece


def test_the_header_stays() -> None:
    piece = Piece.from_notes(
        [(Fraction(1, 1000), 1, 60)],
        title="t",
        name="n",
        key=Key("D"),
        metres=[(0, Metre(3, 4))],
        tempos=[(0, 90.0)],
        part_names=("p",),
    )
    quantised = quantise_performance(replace(piece, programs=(41,)))
    assert (quantised.title, quantised.name, quantised.key) == ("t", "n", Key("D"))
    assert (quantised.metre, quantised.tempo, quantised.part_names) == (Metre(3, 4), 90.0, ("p",))
    assert quantised.programs == (41,)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("1/16", True),
        ("5/24", True),
        ("1/5", True),
        ("1/7", True),
        ("1/32", False),
        ("1/9", False),
        ("1/125", False),
    ],
)
def test_what_can_be_written(time: str, expected: bool) -> None:
    assert is_writable(Fraction(time)) is expected
