"""A copied run is found whatever its key and place; random notes are clean; long texts take seconds."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from etude.evaluation.copying import NGRAM, Copied, find_copies, piece_steps
from etude.music import Piece


def tune(seed: int, notes: int = 40) -> list[tuple[int, int]]:
    """Durations and pitches."""
    rng = random.Random(seed)
    return [(rng.choice([1, 2, 3]), rng.randint(50, 80)) for _ in range(notes)]


def piece(notes: list[tuple[int, int]], up: int = 0) -> Piece:
    onsets = np.cumsum([0, *(duration for duration, _ in notes)]).tolist()
    return Piece.from_notes(
        [(onset, duration, pitch + up) for onset, (duration, pitch) in zip(onsets, notes, strict=False)]
    )


def longest_by_hand(query: list[int], training: list[list[int]]) -> int:
    runs = {
        tuple(each[start:end])
        for each in training
        for start in range(len(each))
        for end in range(start, len(each) + 1)
    }
    spans = (query[start:end] for start in range(len(query)) for end in range(start, len(query) + 1))
    return max((len(span) for span in spans if tuple(span) in runs), default=0)


@given(
    st.lists(st.lists(st.integers(0, 2), max_size=12), min_size=1, max_size=4),
    st.lists(st.lists(st.integers(0, 2), max_size=12), min_size=1, max_size=3),
)
def test_the_longest_run_is_that_of_a_search_by_hand(
    queries: list[list[int]], training: list[list[int]]
) -> None:
    found = find_copies(
        [np.array(each, dtype=np.int64) for each in queries],
        [np.array(each, dtype=np.int64) for each in training],
    )
    for query, copied in zip(queries, found, strict=True):
        longest = longest_by_hand(query, training)
        assert (copied.longest.notes - 1 if copied.longest else 0) == longest
        if copied.longest:
            _, number, start, begin = copied.longest
            assert training[number][start : start + longest] == query[begin : begin + longest]


def test_a_transposed_training_tune_is_found_whole() -> None:
    training = [piece(tune(seed)) for seed in range(30)]
    [found] = find_copies([piece_steps(piece(tune(7), up=5))], [piece_steps(each) for each in training])
    assert found.longest is not None
    assert found.longest == (40, 7, 0, 0)
    assert (found.known, found.ngrams) == (40 - NGRAM + 1, 40 - NGRAM + 1)


def test_a_quotation_is_found_where_it_is() -> None:
    quoted = [*tune(100, 10), *tune(3)[5:25], *tune(101, 10)]
    [found] = find_copies(
        [piece_steps(piece(quoted, up=-3))], [piece_steps(piece(tune(seed))) for seed in range(9)]
    )
    assert found.longest is not None
    assert found.longest == (20, 3, 5, 10)
    assert found.known == 20 - NGRAM + 1


def test_the_same_pitches_in_another_rhythm_are_a_copy_of_the_pitches_alone() -> None:
    slower = [(duration + 1 + place % 2, pitch) for place, (duration, pitch) in enumerate(tune(1))]
    pair = piece(slower), piece(tune(1))
    [by_rhythm] = find_copies([piece_steps(pair[0])], [piece_steps(pair[1])])
    [by_pitch] = find_copies(*([piece_steps(each, rhythm=False)] for each in pair))
    assert by_rhythm.longest is None or by_rhythm.longest.notes < 5
    assert by_pitch.longest is not None
    assert by_pitch.longest.notes == 40


def test_random_notes_are_clean() -> None:
    training = [piece_steps(piece(tune(seed))) for seed in range(200)]
    found = find_copies([piece_steps(piece(tune(seed))) for seed in range(1000, 1100)], training)
    assert max(each.longest.notes for each in found if each.longest) <= 5
    assert sum(each.known for each in found) == 0


def test_pieces_of_one_note_and_of_none() -> None:
    empty = np.empty(0, dtype=np.int64)
    assert find_copies([empty], [empty, piece_steps(piece(tune(0)))]) == [Copied(None, 0, 0)]
    assert find_copies([], [empty]) == []
