"""The split by piece: disjoint, stable, blind to key and note values."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from etude.data.splits import split_by_piece
from etude.data.tunes import tune_hash
from etude.scores import Piece

FRACTIONS = (0.8, 0.1, 0.1)
HASHES = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=200).map(
    lambda values: np.array(values, dtype=np.int64)
)
MELODIES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(40, 90)), min_size=1, max_size=12
)


def melody(rows: list[tuple[int, int, int]], unit: Fraction = Fraction(1), lead: int = 0) -> Piece:
    notes, time = [], Fraction(lead)
    for gap, steps, pitch in rows:
        notes.append((time + gap * unit, steps * unit, pitch))
        time += (gap + steps) * unit
    return Piece.from_notes(notes)


@given(HASHES, st.integers(0, 5))
def test_every_piece_is_in_one_set(hashes: np.ndarray, seed: int) -> None:
    split = split_by_piece(hashes, FRACTIONS, seed)
    assert sorted(np.concatenate(split).tolist()) == list(range(len(hashes)))


@given(HASHES, HASHES)
def test_adding_pieces_moves_none_and_copies_stay_together(first: np.ndarray, more: np.ndarray) -> None:
    alone = split_by_piece(first, FRACTIONS, 0)
    grown = split_by_piece(np.concatenate([first, more, first]), FRACTIONS, 0)
    for before, after in zip(alone, grown, strict=True):
        assert set(before) == {index for index in after if index < len(first)}
        assert set(before + len(first) + len(more)) <= set(after)


def test_the_shares_are_met_on_average() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**63 - 1, 20_000)
    sizes = [len(pieces) / 20_000 for pieces in split_by_piece(hashes, FRACTIONS, 0)]
    assert np.allclose(sizes, FRACTIONS, atol=0.01)


@given(MELODIES, st.integers(-30, 30), st.sampled_from([Fraction(1, 3), Fraction(1, 2), Fraction(4)]))
def test_a_tune_in_another_key_and_other_note_values_is_the_same_tune(
    rows: list[tuple[int, int, int]], semitones: int, unit: Fraction
) -> None:
    moved = melody(rows, unit, lead=2).transposed(semitones)
    assert tune_hash(melody(rows)) == tune_hash(moved)


@given(MELODIES, MELODIES)
def test_different_tunes_have_different_hashes(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]]
) -> None:
    def shape(rows: list[tuple[int, int, int]]) -> list[tuple[Fraction, Fraction, int]]:
        notes = melody(rows).notes
        scale = notes[0].duration
        return [
            ((note.onset - notes[0].onset) / scale, note.duration / scale, note.pitch - notes[0].pitch)
            for note in notes
        ]

    assert (tune_hash(melody(first)) == tune_hash(melody(second))) == (shape(first) == shape(second))
