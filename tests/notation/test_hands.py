"""Two hands: every note has one, the division is the cheapest, and it is the pianist's."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etude.music import Note, Piece
from etude.notation import hands
from etude.notation.hands import MOVE, hands_of
from strategies import polyphony


@given(polyphony(parts=1))
def test_each_note_has_one_hand_and_the_right_one_is_always_higher(piece: Piece) -> None:
    right, left = hands_of(piece.notes)
    assert sorted(right + left) == sorted(piece.notes)
    for onset in {note.onset for note in piece.notes}:
        highest = max((note.pitch for note in left if note.onset == onset), default=0)
        assert all(note.pitch > highest for note in right if note.onset == onset)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(48, 80)), min_size=1, max_size=8))
def test_no_path_of_the_split_is_cheaper(
    monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, int, int]]
) -> None:
    """Against every path through four possible splits."""
    monkeypatch.setattr(hands, "SPLITS", np.array([55, 60, 64, 70]))
    notes = Piece.from_notes(rows).notes
    costs = hands._costs(notes, sorted({note.onset for note in notes}))
    splits = hands.SPLITS

    def total(path: tuple[int, ...]) -> float:
        here = sum(cost[place] for cost, place in zip(costs, path, strict=True))
        return here + MOVE * sum(abs(int(splits[a]) - int(splits[b])) for a, b in pairwise(path))

    found = tuple(np.searchsorted(splits, hands._cheapest_path(costs)).tolist())
    assert total(found) == pytest.approx(min(map(total, product(range(4), repeat=len(costs)))))


def test_broken_chords_above_middle_c_stay_in_the_left_hand() -> None:
    """The beginning of K. 545, where a division at middle C gives the left hand nothing at all."""
    bass = [60, 67, 64, 67] * 2 + [62, 67, 65, 67, 60, 67, 64, 67]
    melody = [(0, 2, 72), (2, 1, 76), (3, 1, 79), (4, Fraction(3, 2), 71), (6, 1, 72)]
    low = [Note(Fraction(step, 2), Fraction(1, 2), pitch) for step, pitch in enumerate(bass)]
    high = [Note(Fraction(onset), Fraction(length), pitch) for onset, length, pitch in melody]
    assert hands_of(low + high) == (high, low)


def test_a_chord_that_one_hand_can_hold_is_not_torn() -> None:
    chord = [Note(Fraction(0), Fraction(1), pitch) for pitch in (64, 67, 72)]
    bass = [Note(Fraction(0), Fraction(1), 40)]
    assert hands_of(bass + chord) == (chord, bass)


def test_nothing_is_two_idle_hands() -> None:
    assert hands_of([]) == ([], [])
