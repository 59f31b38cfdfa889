"""Measure `etude runs` on 10,000 run folders, `etude sweep-report` on 2,000 of them, and the plan of a sweep.

    python benchmarks/many_runs.py [--runs 10000] [--reported 2000] [--jobs 500] [--folder FOLDER]

One tiny training is made; the other folders are copies of it with other settings, metrics and times. Each
row is a whole command, its imports included. "first" makes the index beside the runs, "again" uses it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from machine import heading, print_table

TOY = (
    "debug=limit",
    "name=${data.name}_${model.name}",
    "logger=csv",
    "trainer.max_epochs=1",
    "model.hidden_dim=8",
    "sampling.forms=[]",
)


def main(runs: int, reported: int, jobs: int, folder: Path) -> None:
    """Make the runs that are missing and print the seconds of each command."""
    print(heading(f"{runs:,} run folders"))
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "one").exists():
        etude(folder, "train", *TOY, "outputs_dir=one")
    [original] = (path.parent for path in (folder / "one").rglob("status.json"))
    copies(original, folder / "outputs" / "many", runs - reported)
    copies(original, folder / "outputs" / "reported", reported)
    (folder / "outputs" / ".runs-index").unlink(missing_ok=True)
    rows = [["command", "seconds", "of a core"]]
    for name, words in {
        "etude runs, first": ["runs"],
        "etude runs, again": ["runs"],
        "etude runs with a filter": ["runs", "model.hidden_dim=8", "--sort", "test/nats"],
        f"etude sweep-report of {reported:,} runs": ["sweep-report", "outputs/reported"],
        f"etude train -m --cfg job of {jobs} jobs": ["train", "-m", f"seed=range({jobs})", "--cfg", "job"],
    }.items():  # fmt: skip
        rows.append([name, *(f"{seconds:.2f}" for seconds in etude(folder, *words))])
    print_table(rows)


def copies(original: Path, into: Path, count: int) -> None:
    """Write ``count`` runs that differ from the original in settings, metrics and times."""
    texts = {name: (original / name).read_text() for name in ("config.yaml", "manifest.json", "metrics.csv")}
    results = json.loads((original / "results.json").read_text())
    chance = random.Random(0)
    for number in range(count):
        run = into / f"hidden_dim-{8 << number % 6}_seed-{number}_{number:08x}"
        if (run / "status.json").exists():
            continue
        (run / "checkpoints").mkdir(parents=True)
        for name in ("best.ckpt", "last.ckpt"):
            os.link(original / "checkpoints" / name, run / "checkpoints" / name)
        config = texts["config.yaml"].replace("hidden_dim: 8", f"hidden_dim: {8 << number % 6}")
        (run / "config.yaml").write_text(config.replace("seed: 0\n", f"seed: {number}\n", 1))
        (run / "metrics.csv").write_text(texts["metrics.csv"])
        (run / "manifest.json").write_text(texts["manifest.json"])
        results["test"]["nats"] = 0.7 + 0.2 * chance.random()
        (run / "results.json").write_text(json.dumps(results))
        ended = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
        status = {"state": "done", "host": "bench", "pid": 1, "time": ended.isoformat(), "attempt": 1}
        (run / "status.json").write_text(json.dumps({**status, "started": ended.isoformat()}))


def etude(folder: Path, *arguments: str) -> tuple[float, float]:
    """Run a command; return its wall-clock and CPU seconds."""
    started, before = time.monotonic(), os.times()
    command = [sys.executable, "-m", "etude", *arguments]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    computed = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - started, computed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--reported", type=int, default=2_000)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        main(asked.runs, asked.reported, asked.jobs, asked.folder or Path(made))
