"""Cost per file, token and run at 1 ×, 10 × and 100 × the size.

python benchmarks/bench.py --only growth

Files are prepared on one core: the start of helper processes would count for the larger folders alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from many_files import write_files
from many_runs import TOY, copies
from rows import Row, Scale, Spent, etude, pick

PREPARE = ("prepare", "data=midi_folder")
BY_WINDOW = "data.split=by_window"  # which a single file does not stop; its split needs memory for each token


def rows(scale: Scale) -> list[Row]:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return [
            *preparation(folder, pick(scale, 1, 10, 100)),
            *batches(folder, pick(scale, 10, 10, 100)),
            *listing(folder, pick(scale, 1, 10, 100)),
        ]


def preparation(folder: Path, least: int) -> list[Row]:
    """Prepare MIDI files of 200 to 2,000 notes."""
    found = []
    write_files(folder / "none", 1)
    cheapest(folder, "none", 1, BY_WINDOW)  # fills the system's caches
    start = cheapest(folder, "none", 3, BY_WINDOW)
    for times in (1, 10, 100):
        files = times * least
        write_files(folder / f"music{times}", files)
        spent = cheapest(folder, f"music{times}", 3 if times == 1 else 1)  # a short one differs by its start
        found.append((files, files / max(spent.processor - start.processor, 1e-3), spent.peak_mib))
    (_, rate, memory), *more = found
    beside = f"{least:,} files"
    aim = 0.9 if least >= 100 else None  # fewer files take no time that could be told from the start
    speed = [
        Row(f"prepare {files:,} MIDI files", each, "files/s", beside, rate, True, aim)
        for files, each, _ in more
    ]
    peak = [
        Row(f"memory, {files:,} MIDI files", each, "MiB", beside, memory, False, 0.8)
        for files, _, each in more
    ]
    return [*speed, *peak]


def cheapest(folder: Path, music: str, repeats: int, *more: str) -> Spent:
    """Prepare a folder of files so many times, each time anew; return the least cost."""
    spent = [
        etude(folder, *PREPARE, *more, f"data.path={music}", f"data.name={music}-{number}")
        for number in range(repeats)
    ]
    return min(spent, key=lambda each: each.processor)


def batches(folder: Path, least: int) -> list[Row]:
    """Gather batches of 64 × 256 from stores of so many million tokens at most."""
    import large_store  # and with it PyTorch, whose memory a process that is started would seem to have

    found = {}
    for times in (1, 10, 100):
        store = folder / f"store{times}"
        large_store.write(store, least * times * 10_000)
        command = [sys.executable, large_store.__file__, "--measure", "every", "--folder", str(store)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found[least * times / 100] = json.loads(done.stdout)
    (smallest, first), *more = found.items()
    beside = f"{smallest:g} M tokens"
    return [
        Row(f"{what}, {size:g} M tokens", figures[key], unit, beside, first[key], False)
        for what, key, unit in (
            ("open a store", "open", "ms"),
            ("a batch of 64 × 256", "batch", "ms"),
            ("memory of its own", "anonymous", "MiB"),
        )
        for size, figures in more
    ]


def listing(folder: Path, least: int) -> list[Row]:
    """List so many runs, with the index that an earlier listing made."""
    etude(folder, "train", *TOY, "outputs_dir=one")
    [original] = (path.parent for path in (folder / "one").rglob("status.json"))
    found = []
    for times in (1, 10, 100):
        copies(original, folder / f"runs{times}" / "many", least * times)
        where = ("--outputs", f"runs{times}")
        etude(folder, "runs", *where)
        found.append((least * times, etude(folder, "runs", *where).processor))
    (_, first), *more = found
    return [Row(f"list {runs:,} runs", each, "s", f"{least:,} runs", first, False) for runs, each in more]
