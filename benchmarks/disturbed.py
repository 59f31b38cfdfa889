"""Shared parts of the cluster benchmarks: disturb a small sweep and compare it with a calm one."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from kill_resume import outcome
from machine import heading, print_table

from etude.runs.folder import RunFolder
from etude.sweeps.sweep_folder import Sweep

# Two trainings of 30 epochs, each sampled at two temperatures.
LINE = (
    "debug=limit", "name=${data.name}_${model.name}",
    "logger=csv", "trainer.max_epochs=30", "callbacks.patience=null", "model.hidden_dim=64",
    "model.dropout=0.3", "sampling.forms=[]", "seed=0,1", "sampling.temperature=0.6,1.0",
)  # fmt: skip
PATIENCE = 300.0  # seconds to wait for something that must happen


class Trial:
    """Folder and command line of one sweep."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder, self.words = folder, words
        folder.mkdir()

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start the sweep; its output goes to the file `said`."""
        command = [sys.executable, "-m", "etude", "train", "-m", *LINE, *self.words, *more]
        data = {"ETUDE_DATA_DIR": str(self.folder.parent / "data")}
        with (self.folder / "said").open("ab") as said:
            return subprocess.Popen(
                command, cwd=self.folder, env={**os.environ, **data}, stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text()

    @property
    def runs(self) -> list[RunFolder]:
        return [RunFolder(path) for path in sorted(self.folder.glob("outputs/erk_lstm_copy/*"))]

    @property
    def jobs(self) -> list[str]:
        """The states of the sweep's jobs."""
        return [
            job.status["state"] for path in self.folder.glob("outputs/sweeps/*") for job in Sweep(path).jobs()
        ]

    @property
    def attempts(self) -> str:
        """Return the number of attempts of each training."""
        return ",".join(str(run.status.get("attempt", 0)) for run in self.runs)

    def training(self, many: int = 2) -> bool:
        """Whether this many trainings are running and have finished an epoch."""
        runs = self.runs
        return len(runs) == many and all(
            run.status.get("state") == "running" and (run.checkpoints / "last.ckpt").is_file() for run in runs
        )

    def continued(self) -> int:
        """Count the trainings that resumed within an epoch."""
        logs = self.folder.glob("outputs/sweeps/*/jobs/*/job.log")
        return sum(log.read_text().count("resuming after step") for log in logs)

    def outcome(self) -> dict[str, Any]:
        """Files to compare bit for bit: weights, optimizer, metrics.csv, figures, samples."""
        found = {
            f"{run.path.name}/{key}": value for run in self.runs for key, value in outcome(run.path).items()
        }
        samples = self.folder.glob("outputs/erk_lstm_copy/*/samples/**/*.tokens.txt")
        return found | {str(path.relative_to(self.folder)): path.read_bytes() for path in samples}


class Book:
    """Rows of the table, and whether every check passed."""

    def __init__(self) -> None:
        self.rows = [["what happened", "exit codes", "attempts", "taken up within", "like undisturbed"]]
        self.bad: list[str] = []
        self.calm: dict[str, Any] = {}

    def enter(self, what: str, trial: Trial, codes: str, *musts: tuple[str, bool]) -> None:
        """Compare a trial that has ended with the calm one; ``musts``: further conditions."""
        found = trial.outcome() if all(run.is_done for run in trial.runs) else {}
        self.calm = self.calm or found
        same = bool(found) and found.items() <= self.calm.items()
        self.rows.append([what, codes, trial.attempts, str(trial.continued()), "yes" if same else "NO"])
        musts = (("all jobs done", set(trial.jobs) <= {"done"}), ("the same to the last bit", same), *musts)
        broken = [name for name, true in musts if not true]
        print(f"{what}: {'as it must be' if not broken else 'NOT ' + ', '.join(broken)}", flush=True)
        self.bad += [f"{what}: not {name} (see {trial.folder})" for name in broken]


def wait_until(what: str, condition: Callable[[], object], *processes: subprocess.Popen[bytes]) -> None:
    """Wait for a condition; TimeoutError if it stays false or the process that causes it has ended."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
            raise TimeoutError(f"waited in vain: {what}")
        time.sleep(0.05)


def main(
    description: str | None,
    title: str,
    cluster: Callable[[Path], AbstractContextManager[None]],
    *trials: Callable[[Trial, Book], None],
) -> None:
    """Start a cluster and run the trials named on the command line, or all."""
    known = {trial.__name__: trial for trial in trials}
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(known)} (default: all)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work here, and leave all there")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(known):
        parser.error(f"no trial {', '.join(sorted(unknown))}")
    print(heading(title))
    book = Book()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (asked.keep or Path(scratch)).resolve()
        folder.mkdir(exist_ok=True)
        calm = Trial(folder / "calm")
        code = calm.start("-j", "2").wait()
        book.enter("on no cluster", calm, str(code), ("begun once", calm.attempts == "1,1"))
        with cluster(folder / "cluster"):
            for name in asked.names or known:
                known[name](Trial(folder / name), book)
    print()
    print_table(book.rows)
    if book.bad:
        sys.exit("\n".join(["", *book.bad]))
    print("\nall as it must be")
