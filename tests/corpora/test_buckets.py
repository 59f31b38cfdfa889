"""Batches of near-equal length: the same windows, hardly padded, in an order that a resume continues."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_windows import all_labels, labels, same, sequence, store_of

from etude.corpora.buckets import by_length
from etude.corpora.gather import IGNORE, Batch
from etude.corpora.shard import Shard
from etude.corpora.splits import Subset, split_by_window
from etude.corpora.store import Store
from etude.corpora.windows import TrainingWindows

LENGTH = 16


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    lengths = np.random.default_rng(0).lognormal(3, 1, size=300).astype(int) + 1
    return store_of([1, 15, 16, 17, *lengths.tolist()], tmp_path_factory.mktemp("buckets"))


def windows(store: Store, subset: Subset | None = None, **changed: object) -> TrainingWindows:
    given = {"length": LENGTH, "batch_size": 8, "objective": "every", "seed": 0, "bucket": True, **changed}
    return TrainingWindows(store, subset or Subset(np.arange(len(store))), **given)  # type: ignore[arg-type]


def rows(batches: list[Batch]) -> Counter[tuple[tuple[int, int], ...]]:
    """Count the (input, target) pairs of each row, without those at both ends that have no label."""
    found: Counter[tuple[tuple[int, int], ...]] = Counter()
    for batch in batches:
        for inputs, targets in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
            counted = [place for place, target in enumerate(targets) if target != IGNORE]
            span = slice(counted[0], counted[-1] + 1) if counted else slice(0)
            found[tuple(zip(inputs[span], targets[span], strict=True))] += 1
    return found


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("length", "batch_size"), [(1, 200), (16, 1), (16, 3), (100, 3), (100, 200)])
def test_an_epoch_has_every_label_once(store: Store, length: int, batch_size: int, drop_last: bool) -> None:
    loader = windows(store, length=length, batch_size=batch_size, drop_last=drop_last)
    plain = windows(store, length=length, batch_size=batch_size, drop_last=drop_last, bucket=False)
    assert len(loader) == len(plain)
    batches = list(loader)
    assert len(batches) == len(loader)
    assert labels(batches) == all_labels(store, np.arange(len(store)))
    for inputs, targets, count, _ in batches:
        assert 0 < count == int((targets != IGNORE).sum())
        assert inputs.shape == targets.shape


def test_fewer_windows_than_a_batch_are_no_batch_if_the_last_is_left_out(store: Store) -> None:
    assert not list(windows(store, Subset(np.array([0, 1])), drop_last=True))


def test_the_windows_are_those_of_the_definition(store: Store) -> None:
    """Piece by piece, label by label; a window ends with its piece, and none begins before it."""
    before = {
        target: inputs
        for piece in range(len(store))
        for inputs, target in zip(sequence(store, piece), sequence(store, piece)[1:-1], strict=False)
    }
    ends = {sequence(store, piece)[-2] for piece in range(len(store))}
    for batch in windows(store):
        for inputs, targets in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
            counted = [target for target in targets if target != IGNORE]
            assert targets == counted + [IGNORE] * (len(targets) - len(counted))
            for token, target in zip(inputs, counted, strict=False):
                assert before[target] == token if target else token in ends
            assert inputs[1 : len(counted)] == counted[:-1]


@pytest.mark.parametrize("length", [5, 16, 64])
def test_the_windows_of_an_epoch_are_those_of_batches_in_order(store: Store, length: int) -> None:
    for subset in (None, *split_by_window(store, (0.6, 0.2, 0.2), 3)):
        bucketed = windows(store, subset, length=length)
        plain = windows(store, subset, length=length, bucket=False)
        for _ in range(2):
            assert rows(list(bucketed)) == rows(list(plain))


@pytest.mark.parametrize(("length", "batch_size"), [(16, 4), (16, 8), (64, 4), (256, 4)])
def test_batches_are_full_and_weigh_their_labels_alike(store: Store, length: int, batch_size: int) -> None:
    batches = list(windows(store, length=length, batch_size=batch_size))
    counts = [batch.num_labels for batch in batches]
    positions = sum(batch.inputs.numel() for batch in batches)
    assert sum(counts) / positions > 0.97
    if length == LENGTH:  # longer windows than a batch's even share are a batch of their own
        assert max(counts) - min(counts) <= 2 * length


def test_neither_order_nor_neighbours_stay(store: Store) -> None:
    loader = windows(store)
    first, second = list(loader), list(loader)
    widths = [batch.inputs.shape[1] for batch in first]
    assert widths not in (sorted(widths), sorted(widths, reverse=True))
    assert widths != [batch.inputs.shape[1] for batch in second]
    neighbours = [{frozenset(filter(None, row)) for row in batch.inputs.tolist()} for batch in first]
    again = [{frozenset(filter(None, row)) for row in batch.inputs.tolist()} for batch in second]
    assert not any(batch in again for batch in neighbours if len(batch) > 2)
    assert all(map(same, first, windows(store)))
    assert not all(
        one.inputs.shape == other.inputs.shape
        for one, other in zip(first, windows(store, seed=7), strict=True)
    )


@pytest.mark.parametrize("pool", [1, 3, 256])
@pytest.mark.parametrize("drop_last", [False, True])
def test_a_loader_goes_on_with_the_very_next_batch(
    store: Store, monkeypatch: pytest.MonkeyPatch, pool: int, drop_last: bool
) -> None:
    monkeypatch.setattr("etude.corpora.buckets.POOL", pool)
    straight = windows(store, drop_last=drop_last)
    two_epochs = [*straight, *straight]
    assert labels(two_epochs[: len(straight)]) == all_labels(store, np.arange(len(store)))
    for done in range(0, len(two_epochs), 29):
        resumed = windows(store, drop_last=drop_last)
        resumed.load_state_dict({"epoch": done // len(straight), "batches_given": done % len(straight)})
        rest = list(resumed) if done >= len(straight) else [*resumed, *resumed]
        assert len(rest) == len(two_epochs) - done
        assert all(map(same, two_epochs[done:], rest))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_processes_that_share_batches_have_each_label_once_and_keep_step(store: Store, count: int) -> None:
    alone = list(windows(store))
    shared = [list(windows(store, shard=Shard(rank, count))) for rank in range(count)]
    assert {len(batches) for batches in shared} == {len(alone)}
    for batch, *parts in zip(alone, *shared, strict=True):
        assert labels(list(parts)) == labels([batch])


def test_a_corpus_on_the_device_gives_the_same_batches(store: Store) -> None:
    for subset in (None, *split_by_window(store, (0.6, 0.2, 0.2), 3)):
        mapped = list(windows(store, subset))
        copied = list(windows(store, subset, device=torch.device("cpu")))
        assert all(map(same, mapped, copied))


def test_one_label_a_window_has_windows_of_one_length(store: Store) -> None:
    assert all(map(same, windows(store, objective="last"), windows(store, objective="last", bucket=False)))


@given(st.lists(st.integers(1, 64), min_size=1, max_size=80), st.data())
@settings(max_examples=200)
def test_batches_part_the_windows_sorted_by_length(lengths: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(lengths)))
    batches = by_length(np.array(lengths), count, data.draw(st.integers(0, 9)))
    assert sorted(row for batch in batches for row in batch.tolist()) == list(range(len(lengths)))
    assert len(batches) == count
    assert all(len(batch) for batch in batches)
    spans = sorted(
        (min(lengths[row] for row in batch), max(lengths[row] for row in batch)) for batch in batches
    )
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
