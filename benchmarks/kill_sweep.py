"""Kill all processes of a sweep at random moments, and compare it with an undisturbed one.

    python benchmarks/kill_sweep.py [--kills 20] [--at-once 2] [--seed 0] [etude train's own settings ...]

Eight jobs, four trainings: each is sampled at two temperatures. After each kill the same command runs
again. These must be equal bit for bit: the table except minutes, weights and optimizer of every run,
metrics.csv, the tokens of every sample. A difference ends the program, which then keeps the folder.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from kill_resume import outcome
from machine import heading

from etude.sweeps.sweep_folder import Sweep

LINE = ("data.max_pieces=600", "trainer.max_epochs=24", "model.dropout=0.2", "logger=csv",
        "callbacks.checkpoint_minutes=0.02", "sampling.forms=[midi]", "sampling.num_samples=2",
        "model.hidden_dim=64,128", "seed=0,1", "sampling.temperature=0.6,1.0")  # fmt: skip


def start(folder: Path, settings: list[str], at_once: int) -> subprocess.Popen[bytes]:
    """Start the sweep in its own process group."""
    command = [sys.executable, "-m", "etude", "train", "-m", "-j", str(at_once), *LINE, *settings]
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, start_new_session=True)


def ended(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait for an undisturbed sweep."""
    if process.wait():
        raise SystemExit(f"the sweep failed: {(folder / 'said.txt').read_text()[-2000:]}")


def states(folder: Path) -> Counter[str]:
    """Count the jobs by state."""
    found = list(folder.glob("outputs/sweeps/*/ledger.json"))
    return Counter(job.status["state"] for job in Sweep(found[0].parent).jobs()) if found else Counter()


def all_of(folder: Path) -> dict[str, object]:
    """Files of a sweep to compare."""
    [sweep] = folder.glob("outputs/sweeps/*")
    report = [sys.executable, "-m", "etude", "sweep-report", str(sweep.relative_to(folder))]
    subprocess.run(report, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    rows = csv.DictReader((sweep / "table.csv").open())
    found: dict[str, object] = {
        "table": [{key: value for key, value in row.items() if key != "minutes"} for row in rows]
    }
    for run in folder.glob("outputs/erk_lstm_copy/*"):
        found |= {f"{run.name}/{key}": value for key, value in outcome(run).items()}
    tokens = folder.glob("outputs/erk_lstm_copy/*/samples/**/*.tokens.txt")
    return found | {str(path.relative_to(folder)): path.read_bytes() for path in tokens}


def run(kills: int, at_once: int, seed: int, settings: list[str]) -> None:
    """Print a line for each kill, and the verdict."""
    print(heading(f"A sweep of 8 jobs killed up to {kills} times, {at_once} at a time"))
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["ETUDE_DATA_DIR"] = str(Path(scratch, "data"))
        calm, killed = Path(scratch, "calm"), Path(scratch, "killed")
        calm.mkdir()
        killed.mkdir()
        began = time.monotonic()
        ended(start(calm, settings, at_once), calm)
        longest = time.monotonic() - began
        expected = all_of(calm)
        print(f"undisturbed: {longest:.1f} s; {len(expected)} things to compare", flush=True)
        done = 0
        for number in range(1, kills + 1):
            process = start(killed, settings, at_once)
            time.sleep(rng.uniform(0, longest / 3))
            if process.poll() is not None:
                break
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            time.sleep(0.2)
            now = states(killed)
            half = len(list(killed.rglob(".*.tmp")))
            print(f"kill {number}: {dict(now) or 'no ledger yet'}, {half} files half-written", flush=True)
            assert now["done"] >= done, "a job that was done is not done any more"
            done = now["done"]
        ended(start(killed, settings, at_once), killed)
        found = all_of(killed)
        unlike = sorted(key for key in {*expected, *found} if found.get(key) != expected.get(key))
        if unlike:
            kept = tempfile.mkdtemp(prefix="kill_sweep-")
            shutil.copytree(scratch, kept, dirs_exist_ok=True)
            raise SystemExit(f"different: {', '.join(unlike)}; all is kept in {kept}")
        print("identical")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20, help="at most; fewer if the sweep is done before")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    asked, rest = parser.parse_known_args()
    run(asked.kills, asked.at_once, asked.seed, rest)
