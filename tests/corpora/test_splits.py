"""Splits: disjoint; by piece stable and blind to key and note values; by window as published."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.corpora.splits import overlap, split_by_piece, split_by_window, split_small, tune_hash
from etude.corpora.store import EncodedPiece, Store, open_store
from etude.corpora.windows import HeldOutLabels
from etude.music import Piece
from prepared_corpora import write_store

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
    assert sorted(np.concatenate([subset.pieces for subset in split]).tolist()) == list(range(len(hashes)))


@given(HASHES, HASHES)
def test_adding_pieces_moves_none_and_copies_stay_together(first: np.ndarray, more: np.ndarray) -> None:
    alone = split_by_piece(first, FRACTIONS, 0)
    grown = split_by_piece(np.concatenate([first, more, first]), FRACTIONS, 0)
    for before, after in zip(alone, grown, strict=True):
        assert set(before.pieces) == {index for index in after.pieces if index < len(first)}
        assert set(before.pieces + len(first) + len(more)) <= set(after.pieces)


def test_the_shares_are_met_on_average() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**63 - 1, 20_000)
    sizes = [len(subset.pieces) / 20_000 for subset in split_by_piece(hashes, FRACTIONS, 0)]
    assert np.allclose(sizes, FRACTIONS, atol=0.01)


@pytest.mark.parametrize(("seed", "held_out"), [(0, ([15], [9, 27])), (1, ([12, 17, 21], [10, 11, 15]))])
def test_assignments_do_not_change_from_version_to_version(
    seed: int, held_out: tuple[list[int], list[int]]
) -> None:
    hashes = np.array([0, 1, 2, 3, 5, 8, 13, 21, 2**62, 2**63 - 1, *(10**power for power in range(1, 19))])
    split = split_by_piece(hashes, FRACTIONS, seed)
    assert (split.val.pieces.tolist(), split.test.pieces.tolist()) == held_out


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


def store_of(lengths: list[int], folder: Path) -> Store:
    pieces = [EncodedPiece(str(index), index, ["60"] * length) for index, length in enumerate(lengths)]
    write_store(folder / "store", pieces, {"fingerprint": "f"})
    return open_store(folder / "store")


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    seed=st.integers(0, 9),
    skip=st.sampled_from([0, 3]),
)
@settings(max_examples=40, deadline=None)
def test_by_window_every_eligible_label_is_in_one_set(
    lengths: list[int], seed: int, skip: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = store_of(lengths, tmp_path_factory.mktemp("split"))
    split = split_by_window(store, FRACTIONS, seed, skip=skip)
    counted = np.sum([subset.labels for subset in split], axis=0)
    assert counted.max(initial=0) <= 1
    eligible = sum(lengths) + len(lengths) if not skip else sum(max(0, n - skip) for n in lengths)
    assert counted.sum() == eligible


def test_by_window_another_seed_assigns_labels_otherwise_and_the_same_seed_alike(tmp_path: Path) -> None:
    store = store_of([300], tmp_path)
    one, again, other = (split_by_window(store, FRACTIONS, seed) for seed in (0, 0, 1))
    for subset, same, unlike in zip(one, again, other, strict=True):
        assert np.array_equal(subset.labels, same.labels)
        assert not np.array_equal(subset.labels, unlike.labels)


@pytest.mark.parametrize("count", [10, 114_115, 256_213, 7])
def test_by_window_the_sizes_are_those_of_random_split(count: int, tmp_path: Path) -> None:
    from torch.utils.data import random_split

    for fractions in ([0.8, 0.1, 0.1], [0.7, 0.15, 0.15]):
        split = split_by_window(store_of([count - 1], tmp_path), fractions, 0)
        sizes = [int(subset.labels.sum()) for subset in split if subset.labels is not None]
        assert sizes == [len(part) for part in random_split(range(count), fractions)]  # type: ignore[arg-type]


@given(size=st.integers(10, 60), length=st.integers(1, 12), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_the_overlap_is_the_share_of_a_window_that_is_trained_on(
    size: int, length: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Counted token by token in the windows that validation gives to the network."""
    folder = tmp_path_factory.mktemp("overlap")
    write_store(
        folder / "store", [EncodedPiece("a", 1, [f"{k:02}" for k in range(size)])], {"fingerprint": "f"}
    )
    store = open_store(folder / "store")
    split = split_by_window(store, (0.6, 0.3, 0.1), seed)
    assert split.train.labels is not None
    trained = set(store.ids[np.flatnonzero(split.train.labels) + 1].tolist()) - {0}
    batches = HeldOutLabels(store, split.val, length=length, batch_size=7, objective="last")
    windows = [set(row) - {0} for batch in batches for row in batch.inputs.tolist()]
    shares = [len(window & trained) / max(len(window), 1) for window in windows]
    assert overlap(split, length) == pytest.approx(np.mean(shares))


def test_the_overlap_of_long_windows_is_the_share_of_the_training_set(tmp_path: Path) -> None:
    store = store_of([2000], tmp_path)
    by_window = split_by_window(store, FRACTIONS, 0)
    assert abs(overlap(by_window, 64) - 0.8) < 0.02
    assert overlap(split_by_piece(store.tunes, FRACTIONS, 0), 64) == 0


@given(
    st.lists(st.integers(0, 2**62), min_size=3, max_size=30, unique=True),
    st.integers(0, 99),
    st.integers(1, 3),
)
def test_a_small_corpus_leaves_no_set_empty_and_keeps_copies_together(
    tunes: list[int], seed: int, copies: int
) -> None:
    hashes = np.repeat(np.array(tunes, dtype=np.int64), copies)
    split = split_small(hashes, [0.8, 0.1, 0.1], seed)
    sets = [set(hashes[subset.pieces].tolist()) for subset in split]
    assert all(sets)
    assert sum(len(one) for one in sets) == len(set().union(*sets)) == len(tunes)
    assert sorted(np.concatenate([subset.pieces for subset in split]).tolist()) == list(range(len(hashes)))
