"""Windows: every label once, the right context, an order that a resumed training continues."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.corpora.gather import IGNORE, Batch, Gather
from etude.corpora.shard import Shard
from etude.corpora.splits import Subset, split_by_window
from etude.corpora.store import EncodedPiece, Store, open_store
from etude.corpora.windows import HeldOutLabels, TrainingWindows
from prepared_corpora import write_store

# From the memory map, and from a copy where the network is: here that is the CPU, elsewhere a GPU.
DEVICES = (None, torch.device("cuda" if torch.cuda.is_available() else "cpu"))


def store_of(lengths: list[int], folder: Path) -> Store:
    """Pieces whose tokens are all different, so that a token tells where it comes from."""
    first = np.cumsum([0, *lengths])
    pieces = [
        EncodedPiece(str(index), index, [f"{first[index] + k:05}" for k in range(length)])
        for index, length in enumerate(lengths)
    ]
    write_store(folder / "store", pieces, {"fingerprint": "f"})
    return open_store(folder / "store")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_of([1, 7, 8, 9, 64, 3, 30], tmp_path_factory.mktemp("windows"))


def sequence(store: Store, piece: int) -> list[int]:
    return [0, *store.piece(piece).tolist(), 0]


def slow_window(store: Store, piece: int, first: int, length: int) -> tuple[list[int], list[int]]:
    """The definition of a window, label by label."""
    whole = sequence(store, piece)
    inputs, targets = [], []
    for label in range(first, first + length):
        inside = 0 <= label < len(whole) - 1
        inputs.append(whole[label] if inside else 0)
        targets.append(whole[label + 1] if inside else IGNORE)
    return inputs, targets


@given(data=st.data(), length=st.integers(1, 70))
@settings(max_examples=60)
def test_one_gather_gives_what_the_definition_gives(store: Store, data: st.DataObject, length: int) -> None:
    pieces = data.draw(st.lists(st.integers(0, len(store) - 1), min_size=1, max_size=6))
    firsts = data.draw(st.lists(st.integers(-80, 80), min_size=len(pieces), max_size=len(pieces)))
    for device in DEVICES:
        gather = Gather(store, Subset(np.arange(len(store))), device)
        inputs, targets, count, _ = gather(np.array(pieces), np.array(firsts), length)
        for row, (piece, first) in enumerate(zip(pieces, firsts, strict=True)):
            expected = slow_window(store, piece, first, length)
            assert (inputs[row].tolist(), targets[row].tolist()) == expected
        assert count == int((targets != IGNORE).sum())


def labels(batches: list[Batch]) -> list[int]:
    return sorted(label for batch in batches for label in batch.targets.flatten().tolist() if label != IGNORE)


def all_labels(store: Store, pieces: np.ndarray) -> list[int]:
    return sorted(label for piece in pieces for label in sequence(store, piece)[1:])


@pytest.mark.parametrize("objective", ["every", "last"])
@pytest.mark.parametrize("length", [1, 5, 8, 64, 100])
def test_an_epoch_has_every_label_once(store: Store, objective: str, length: int) -> None:
    pieces = np.array([0, 1, 3, 4, 6])
    train = TrainingWindows(store, Subset(pieces), length=length, batch_size=4, objective=objective, seed=1)
    held_out = HeldOutLabels(store, Subset(pieces), length=length, objective=objective, batch_size=4)
    for loader in (train, held_out):
        batches = list(loader)
        assert len(batches) == len(loader)
        assert labels(batches) == all_labels(store, pieces)
        assert sum(batch.num_labels for batch in batches) == len(all_labels(store, pieces))


@pytest.mark.parametrize("objective", ["every", "last"])
def test_by_window_an_epoch_has_the_labels_of_its_set_once(store: Store, objective: str) -> None:
    for subset in split_by_window(store, (0.6, 0.2, 0.2), 3):
        assert subset.labels is not None
        expected = sorted(store.ids[np.flatnonzero(subset.labels) + 1].tolist())
        train = TrainingWindows(store, subset, length=8, batch_size=4, objective=objective, seed=1)
        held_out = HeldOutLabels(store, subset, length=8, batch_size=4, objective=objective)
        assert labels(list(train)) == labels(list(held_out)) == expected


def test_a_last_batch_that_is_not_full_can_be_left_out(store: Store) -> None:
    everything = Subset(np.arange(len(store)))
    full = TrainingWindows(
        store, everything, length=8, batch_size=10, objective="last", seed=1, drop_last=True
    )
    assert len(full) == len(all_labels(store, everything.pieces)) // 10
    assert {len(batch.inputs) for batch in full} == {10}


def test_a_long_piece_is_read_in_chunks_that_keep_their_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etude.corpora.windows.CHUNK", 32)
    monkeypatch.setattr("etude.corpora.windows.CONTEXT", 8)
    store = store_of([100, 30], tmp_path)
    loader = HeldOutLabels(store, Subset(np.arange(2)), length=8, batch_size=16, objective="every")
    batches = list(loader)
    assert labels(batches) == all_labels(store, np.arange(2))
    for batch in batches:
        for inputs, targets in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
            counted = [index for index, target in enumerate(targets) if target != IGNORE]
            assert counted[0] == 8 or inputs[0] == 0  # context before it, or the beginning of a piece


def test_a_last_window_holds_what_comes_before_its_label(store: Store) -> None:
    pieces = np.arange(len(store))
    loader = HeldOutLabels(store, Subset(pieces), length=6, objective="last", batch_size=10)
    seen = [(row.tolist(), int(label)) for batch in loader for row, label in zip(*batch[:2], strict=True)]
    expected = []
    for piece in pieces:
        padded = [0] * 6 + sequence(store, piece)[1:]
        expected += [(padded[end - 6 : end], padded[end]) for end in range(6, len(padded))]
    assert seen == expected


def test_a_whole_held_out_piece_is_read_from_its_beginning(store: Store) -> None:
    loader = HeldOutLabels(store, Subset(np.array([4])), length=8, objective="every", batch_size=4)
    [batch] = list(loader)
    assert batch.inputs[0].tolist() == sequence(store, 4)[:-1]
    assert batch.targets[0].tolist() == sequence(store, 4)[1:]


def windows(store: Store, objective: str = "every", seed: int = 0) -> TrainingWindows:
    return TrainingWindows(
        store, Subset(np.arange(len(store))), length=8, batch_size=3, objective=objective, seed=seed
    )


def same(first: Batch, second: Batch) -> bool:
    return bool((first.inputs == second.inputs).all() and (first.targets == second.targets).all())


@pytest.mark.parametrize("objective", ["every", "last"])
def test_the_order_is_a_function_of_seed_and_epoch(store: Store, objective: str) -> None:
    one, two, other = windows(store, objective), windows(store, objective), windows(store, objective, seed=7)
    first, second = list(one), list(one)
    assert all(map(same, first, two))
    assert not all(map(same, first, second))
    assert not all(map(same, first, other))


def epochs(store: Store, objective: str, axis: str, count: int) -> list[list[list[int]]]:
    """The targets of each window, in order: of one seed's first epochs, or of each seed's first epoch."""
    one = windows(store, objective)
    loaders = [one if axis == "epoch" else windows(store, objective, seed) for seed in range(count)]
    return [[row for batch in loader for row in batch.targets.tolist()] for loader in loaders]


@pytest.mark.parametrize("axis", ["epoch", "seed"])
def test_labels_come_in_another_order_each_epoch_and_for_each_seed(store: Store, axis: str) -> None:
    orders = [[label for [label] in rows] for rows in epochs(store, "last", axis, 40)]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    by_place = np.array(orders).T
    assert min(len(set(labels)) for labels in by_place.tolist()) > 20  # 40 of 123 labels: about 34


@pytest.mark.parametrize("axis", ["epoch", "seed"])
def test_windows_move_within_their_slack_and_come_in_another_order(store: Store, axis: str) -> None:
    """Windows of 8 over n labels begin 0 to -n % 8 labels early."""
    pieces = range(len(store))
    shifts: list[set[int]] = [set() for _ in pieces]
    orders = set()
    for rows in epochs(store, "every", axis, 150):
        firsts = [int(store.piece(piece)[0]) for piece in pieces]
        places = [next(place for place, row in enumerate(rows) if first in row) for first in firsts]
        orders.add(tuple(np.argsort(places).tolist()))
        for seen, first, place in zip(shifts, firsts, places, strict=True):
            seen.add(rows[place].index(first))
    assert shifts == [set(range(-(len(store.piece(piece)) + 1) % 8 + 1)) for piece in pieces]
    assert len(orders) > 100  # of 7! orders


def test_an_epoch_that_ends_early_is_followed_by_the_next_or_by_itself(store: Store) -> None:
    def beginnings(repeat: bool) -> list[list[list[int]]]:
        train = TrainingWindows(
            store, Subset(np.arange(7)), length=8, batch_size=4, objective="every", seed=1, repeat=repeat
        )
        return [[batch.inputs.tolist() for batch in islice(train, 2)] for _ in range(3)]

    def epochs() -> list[list[list[int]]]:
        train = TrainingWindows(
            store, Subset(np.arange(7)), length=8, batch_size=4, objective="every", seed=1
        )
        return [[batch.inputs.tolist() for batch in train][:2] for _ in range(3)]

    assert beginnings(repeat=False) == epochs()
    assert beginnings(repeat=True) == [epochs()[0]] * 3


def test_a_caller_who_stops_at_the_last_batch_gets_the_next_epoch_next(store: Store) -> None:
    exhausted, counted = windows(store), windows(store)
    for _ in range(3):
        going = iter(counted)
        batches = [next(going) for _ in range(len(counted))]  # as Lightning does, which knows the length
        assert all(map(same, exhausted, batches))


@pytest.mark.parametrize("objective", ["every", "last"])
@pytest.mark.parametrize("epochs", [0, 2])
@pytest.mark.parametrize("batches", [0, 1, 5])
def test_a_loader_goes_on_with_the_very_next_batch(
    store: Store, objective: str, epochs: int, batches: int
) -> None:
    straight = windows(store, objective)
    for _ in range(epochs):
        list(straight)
    going = iter(straight)
    for _ in range(batches):
        next(going)
    resumed = windows(store, objective)
    resumed.load_state_dict(straight.state_dict())
    rest_straight, rest_resumed = [*going, *straight], [*resumed, *resumed]
    assert len(rest_straight) == len(rest_resumed) == 2 * len(straight) - batches
    assert all(map(same, rest_straight, rest_resumed))


@pytest.mark.parametrize("objective", ["every", "last"])
@pytest.mark.parametrize("length", [1, 8, 50])
def test_a_corpus_on_the_device_gives_the_same_batches(store: Store, objective: str, length: int) -> None:
    subsets = [Subset(np.array([0, 2, 4, 6])), *split_by_window(store, (0.6, 0.2, 0.2), 3)]
    for subset in subsets:
        mapped, copied = (
            [
                *TrainingWindows(
                    store, subset, length=length, batch_size=5, objective=objective, seed=2, device=device
                ),
                *HeldOutLabels(
                    store, subset, length=length, batch_size=5, objective=objective, device=device
                ),
            ]
            for device in DEVICES
        )
        assert len(mapped) == len(copied)
        for one, other in zip(mapped, copied, strict=True):
            assert one.inputs.dtype == other.inputs.dtype == torch.int64
            assert torch.equal(one.inputs, other.inputs.cpu())
            assert torch.equal(one.targets, other.targets.cpu())
            assert one.num_labels == other.num_labels


def test_an_order_is_the_same_whatever_is_computed_ahead(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = list(windows(store))
    for ahead in (1, 4, 7):
        monkeypatch.setattr("etude.corpora.windows.ORDERED_AT_A_TIME", ahead)
        assert all(map(same, at_once, list(windows(store))))


@pytest.mark.parametrize("objective", ["every", "last"])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_processes_that_share_batches_have_each_label_once_and_keep_step(
    store: Store, objective: str, count: int
) -> None:
    for subset in (Subset(np.array([0, 1, 3, 4, 6])), *split_by_window(store, (0.6, 0.2, 0.2), 3)):
        settings = {"length": 8, "batch_size": 4, "objective": objective}
        shards = [Shard(rank, count) for rank in range(count)]
        alone = list(TrainingWindows(store, subset, seed=1, **settings))
        shared = [list(TrainingWindows(store, subset, seed=1, shard=shard, **settings)) for shard in shards]
        held_out = [list(HeldOutLabels(store, subset, shard=shard, **settings)) for shard in shards]
        assert {len(batches) for batches in shared} == {len(alone)}  # else one would wait for the others
        assert len({len(batches) for batches in held_out}) == 1
        assert min(len(batch.inputs) for own in (*shared, *held_out) for batch in own) > 0
        whole = labels(list(HeldOutLabels(store, subset, **settings)))
        assert labels([batch for own in shared for batch in own]) == whole
        assert labels([batch for own in held_out for batch in own]) == whole
        for batch, *parts in zip(alone, *shared, strict=True):
            assert labels(list(parts)) == labels([batch])
            assert [part.num_labels for part in parts] == [len(labels([part])) for part in parts]


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=9), st.integers(1, 5))
def test_weighted_means_of_shares_have_the_gradient_of_the_mean_of_all(
    counted: list[list[bool]], count: int
) -> None:
    """Of a loss that differs at every label, as what DDP makes of the shards' gradients: their mean."""
    targets = torch.arange(3 * len(counted)).reshape(-1, 3).masked_fill(~torch.tensor(counted), IGNORE)
    batch = Batch(torch.zeros_like(targets), targets, int((targets != IGNORE).sum()))

    def mean(part: Batch) -> float:
        losses = [label**2 for label in labels([part])]
        return sum(losses) / max(len(losses), 1) * part.weight

    shards = [Shard(rank, count).of(batch) for rank in range(count)]
    assert sum(map(mean, shards)) / count == pytest.approx(mean(batch))
