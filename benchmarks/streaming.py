"""Tokens per second of a whole epoch of batches from a large store, beside reading its file in order.

    python benchmarks/streaming.py [--tokens 1000] [--folder FOLDER]
    python benchmarks/bench.py --only streaming

The store has so many million random tokens of 2 bytes, in pieces of 1,000 to 4,000. An epoch is batches of
64 windows of 256 tokens in random order, each token once. "from the disk": the system has dropped its cache
of the file (``posix_fadvise``) before the epoch, and before the file is read in order. Needs Linux.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from large_store import AT_A_TIME, BATCH, LENGTH, forget, warm_up, write
from machine import heading, print_table
from rows import Row, Scale, pick

from etude.corpora.splits import split_by_piece
from etude.corpora.store import open_store
from etude.corpora.windows import TrainingWindows


def rows(scale: Scale) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        return streamed(Path(name), pick(scale, 1, 50, 300))


def streamed(folder: Path, millions: int) -> list[Row]:
    write(folder / "store", millions * 1_000_000)
    warm_up("every")
    found = []
    for where in ("from the disk", "from the cache"):
        rates = []
        for work in (in_order, epoch):
            if where == "from the disk":
                forget(folder / "store")
            rates.append(tokens_per_second(work, folder / "store"))
        what = f"an epoch of {millions:,} M tokens, {where}"
        found.append(Row(what, rates[1], "tokens/s", "its file read in order", rates[0], True))
    return found


def tokens_per_second(work: Callable[[Path], int], store: Path) -> float:
    started = time.perf_counter()
    return work(store) / (time.perf_counter() - started)


def in_order(store: Path) -> int:
    """Read the file from its beginning to its end; return its tokens."""
    size = 0
    with (store / "ids.npy").open("rb", buffering=0) as file:
        while data := file.read(AT_A_TIME):
            size += len(data)
    return size // 2


def epoch(store: Path) -> int:
    """Make all batches of an epoch; return their labels."""
    opened = open_store(store)
    split = split_by_piece(opened.tunes, (1.0, 0.0, 0.0), 0)
    windows = TrainingWindows(
        opened, split.train, length=LENGTH, batch_size=BATCH, objective="every", seed=0, bucket=True
    )
    return sum(batch.num_labels for batch in windows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, default=1000, help="millions")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    chosen = parser.parse_args()
    print(heading(f"An epoch of {chosen.tokens:,} M tokens"), flush=True)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as scratch:
        table = [("", "tokens/s", "MB/s", "in order, tokens/s", "MB/s")]
        for row in streamed(Path(scratch), chosen.tokens):
            rates = (row.value, row.value * 2e-6, row.other or 0, (row.other or 0) * 2e-6)
            table.append((row.what, *(f"{each:,.0f}" for each in rates)))
        print_table(table)
