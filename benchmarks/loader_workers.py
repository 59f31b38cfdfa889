"""Measure batches per second: gathered in this process, against torch's DataLoader with 0, 1 and 2 workers.

    python benchmarks/loader_workers.py [--batches 500]

All return shuffled windows of the same synthetic store (1 M tokens, pieces of 1,000 to 4,000). DataLoader
is used as in the tutorials: a dataset that returns one window per index, stacked by the default
``collate_fn``; once with windows sliced from the memory map, once with the corpus as a tensor in memory.
Worker start-up is not counted. Each number is the best of three runs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from large_store import write
from machine import heading, print_table
from torch.utils.data import DataLoader, Dataset

from etude.corpora.splits import Subset
from etude.corpora.store import Store, open_store
from etude.corpora.windows import TrainingWindows

SHAPES = (("every", 32, 64), ("every", 64, 256), ("last", 64, 64))  # objective, batch, length


class OneWindow(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Windows by number: input and target, or the last target alone."""

    def __init__(self, store: Store, length: int, objective: str, *, in_memory: bool) -> None:
        ids = store.ids.astype(np.int64) if in_memory else store.ids
        self.ids = torch.from_numpy(ids) if in_memory else ids
        self.length, self.objective = length, objective
        step = 1 if objective == "last" else length
        self.starts = range(0, len(ids) - length - 1, step)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        start = self.starts[index]
        window = self.ids[start : start + self.length + 1]
        if not isinstance(window, torch.Tensor):
            window = torch.from_numpy(window.astype(np.int64))
        return window[:-1], window[-1:] if self.objective == "last" else window[1:]


def main(batches: int) -> None:
    torch.set_num_threads(1)
    print(heading("Batches a second, by who gathers them"))
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch) / "store", 1_000_000)
        store = open_store(Path(scratch) / "store")
        rows = [["", *(f"{objective}, {size} × {length}" for objective, size, length in SHAPES)]]
        ours = [rate(our_loader(store, *shape), batches) for shape in SHAPES]
        rows.append(["in this process, one gather", *(f"{value:,.0f}" for value in ours)])
        for in_memory in (False, True):
            for workers in (0, 1, 2):
                rates = [
                    rate(torch_loader(store, *shape, workers=workers, in_memory=in_memory), batches)
                    for shape in SHAPES
                ]
                cells = [
                    f"{value:,.0f} (1/{own / value:.1f})" for value, own in zip(rates, ours, strict=True)
                ]
                corpus = "tensor" if in_memory else "memory map"
                rows.append([f"DataLoader, {corpus}, num_workers={workers}", *cells])
        print_table(rows)


def our_loader(store: Store, objective: str, size: int, length: int) -> Iterable[object]:
    everything = Subset(np.arange(len(store)))
    return TrainingWindows(store, everything, length=length, batch_size=size, objective=objective, seed=0)


def torch_loader(
    store: Store, objective: str, size: int, length: int, *, workers: int, in_memory: bool
) -> Iterable[object]:
    dataset = OneWindow(store, length, objective, in_memory=in_memory)
    return DataLoader(dataset, size, shuffle=True, num_workers=workers)


def rate(loader: Iterable[object], batches: int) -> float:
    """Batches per second from the first batch on, over at most this many; the best of three."""
    best = 0.0
    for _ in range(3):
        rest = iter(loader)
        next(rest)
        started = time.perf_counter()
        count = sum(1 for _ in islice(rest, batches))
        best = max(best, count / (time.perf_counter() - started))
        del rest
    return best


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batches", type=int, default=500)
    main(parser.parse_args().batches)
