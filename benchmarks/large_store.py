"""Measure start-up, memory and batch time of stores of 10 M, 100 M and 1 G tokens.

    python benchmarks/large_store.py [--folder FOLDER] [--tokens 10,100,1000]

Each store is written in the store's format (2 bytes per token, pieces of 1,000 to 4,000 tokens), measured
in a fresh process per objective, and deleted. Needs Linux and 2 to 3 GB of disk.

"cold" columns: the system has dropped its cache of the file (``posix_fadvise``), so pages come from the
disk. Memory is that of the process itself (RssAnon, less its value after the imports). Touched pages of a
memory-mapped file (RssFile) are left out: they are the system's cache of the file, shared by all
processes and freed on demand.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import heading, print_table, status_kib

from etude.corpora.splits import split_by_piece
from etude.corpora.store import FILES, FORMAT, file_checksum, manifest_sha256, open_store
from etude.corpora.windows import HeldOutLabels, TrainingWindows

SYMBOLS = 500
BATCH, LENGTH, BATCHES = 64, 256, 200
AT_A_TIME = 2**24  # ids

ROWS = (
    ("open, cold (ms)", "open_cold", 1),
    ("open (ms)", "open", 1),
    ("split by piece (ms)", "split", 1),
    ("training windows (ms)", "training", 2),
    ("held-out labels (ms)", "held_out", 2),
    ("first batch, cold (ms)", "first_cold", 2),
    ("first batch (ms)", "first", 2),
    (f"median of {BATCHES} batches, cold (ms)", "batch_cold", 3),
    (f"median of {BATCHES} batches (ms)", "batch", 3),
    ("peak memory of its own (MiB)", "anonymous", 1),
    ("file pages resident (MiB)", "file_pages", 0),
)


def main(folder: Path, millions: list[float]) -> None:
    print(heading(f"Batches of {BATCH} × {LENGTH} from stores of {millions} million tokens"))
    found: dict[str, list[dict[str, float]]] = {"every": [], "last": []}
    pieces = []
    for million in millions:
        scratch = Path(tempfile.mkdtemp(dir=folder, prefix="large-store-"))
        try:
            started = time.perf_counter()
            pieces.append(write(scratch / "store", int(million * 1e6)))
            print(
                f"wrote {million:g} M tokens, {pieces[-1]:,} pieces in {time.perf_counter() - started:.1f} s"
            )
            for objective, results in found.items():
                command = [
                    sys.executable,
                    __file__,
                    "--measure",
                    objective,
                    "--folder",
                    str(scratch / "store"),
                ]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                results.append(json.loads(done.stdout))
        finally:
            shutil.rmtree(scratch)
    for objective, results in found.items():
        print(f"\nobjective={objective}")
        head = [f"{million:g} M" for million in millions]
        rows = [["", *head, "last / first"]]
        for label, key, digits in ROWS:
            values = [result[key] for result in results]
            ratio = f"{values[-1] / values[0]:.1f} ×" if values[0] > 0 else "–"
            rows.append([label, *(f"{value:,.{digits}f}" for value in values), ratio])
        print_table(rows)


def write(folder: Path, tokens: int) -> int:
    """Write a store of at least this many random tokens; return its number of pieces."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    lengths = rng.integers(1000, 4001, size=tokens // 2500 + 1)
    offsets = np.concatenate([[0], np.cumsum(lengths + 1)]).astype(np.int64)
    shape = (int(offsets[-1]) + 1,)
    ids = np.lib.format.open_memmap(folder / "ids.npy", mode="w+", dtype=np.uint16, shape=shape)
    for start in range(0, len(ids), AT_A_TIME):
        part = ids[start : start + AT_A_TIME]
        part[:] = rng.integers(1, SYMBOLS, size=len(part), dtype=np.uint16)
    ids[offsets] = 0
    ids.flush()
    np.save(folder / "offsets.npy", offsets)
    np.save(folder / "tunes.npy", rng.integers(0, 2**63 - 1, size=len(lengths)))
    names = "".join(f"folder/piece-{number}.mid\n" for number in range(len(lengths)))
    (folder / "names.txt").write_text(names)
    (folder / "rejected.json").write_text("[]\n")
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "fingerprint": "synthetic",
        "counts": {
            "pieces": len(lengths),
            "tokens": int(lengths.sum()),
            "vocabulary": SYMBOLS,
            "rejected": 0,
        },
        "reasons": {},
        "checksums": {name: file_checksum(folder / name) for name in FILES},
        "vocabulary": ["<end>", *(f"{number:04}" for number in range(1, SYMBOLS))],
    }
    manifest["sha256"] = manifest_sha256(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return len(lengths)


def forget(folder: Path) -> None:
    """Drop these files from the page cache."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(folder: Path, objective: str) -> dict[str, float]:
    warm_up(objective)
    imported, libraries = status_kib("RssAnon"), status_kib("RssFile")
    forget(folder)
    figures: dict[str, float] = {}
    clock = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal clock
        figures[name] = 1000 * (time.perf_counter() - clock)
        clock = time.perf_counter()

    open_store(folder)
    lap("open_cold")
    store = open_store(folder)
    lap("open")
    peak = status_kib("RssAnon")
    clock = time.perf_counter()
    split = split_by_piece(store.tunes, (0.8, 0.1, 0.1), 0)
    lap("split")
    train = TrainingWindows(store, split.train, length=LENGTH, batch_size=BATCH, objective=objective, seed=0)
    lap("training")
    held_out = HeldOutLabels(store, split.val, length=LENGTH, batch_size=BATCH, objective=objective)
    lap("held_out")
    for name in ("batch_cold", "batch"):
        train.load_state_dict({"epoch": int(name == "batch"), "batches_given": 0})
        batches = iter(train)
        seconds = []
        for _ in range(BATCHES):
            clock = time.perf_counter()
            if next(batches, None) is None:  # a small store has fewer
                break
            seconds.append(1000 * (time.perf_counter() - clock))
            peak = max(peak, status_kib("RssAnon"))
        figures[name.replace("batch", "first")] = seconds[0]
        figures[name] = statistics.median(seconds)
        if name == "batch_cold":
            with (folder / "ids.npy").open("rb") as file:  # brings all of it into the system's cache
                while file.read(AT_A_TIME):
                    pass
    next(iter(held_out))
    peak = max(peak, status_kib("RssAnon"))
    file_pages = status_kib("RssFile") - libraries
    return figures | {"anonymous": (peak - imported) / 1024, "file_pages": file_pages / 1024}


def warm_up(objective: str) -> None:
    """Run everything once on a small store, so that the first use of a library is not measured."""
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch) / "store", 100_000)
        store = open_store(Path(scratch) / "store")
        split = split_by_piece(store.tunes, (0.8, 0.1, 0.1), 0)
        settings = {"length": LENGTH, "batch_size": BATCH, "objective": objective}
        next(iter(TrainingWindows(store, split.train, seed=0, **settings)))  # type: ignore[arg-type]
        next(iter(HeldOutLabels(store, split.train, **settings)))  # type: ignore[arg-type]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--tokens", default="10,100,1000", help="millions")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(chosen.folder, chosen.measure)))
    else:
        main(chosen.folder, [float(number) for number in chosen.tokens.split(",")])
