"""Rows of `make bench`: one figure beside that of an alternative, both measured in one run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

Scale = Literal["smallest", "quick", "full"]


class Row(NamedTuple):
    """What was measured, beside what; ``other`` is None if the alternative is not there.

    ``wanted``: how many times better than the alternative; None: no aim.
    """

    what: str
    value: float
    unit: str
    beside: str
    other: float | None
    higher_is_better: bool
    wanted: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times better than the alternative."""
        if not self.other or not self.value:
            return None
        return self.value / self.other if self.higher_is_better else self.other / self.value


class Spent(NamedTuple):
    """Cost of a command: seconds, seconds of processor time of all its processes, and peak memory in MiB."""

    seconds: float
    processor: float
    peak_mib: float


def pick(scale: Scale, smallest: int, quick: int, full: int) -> int:
    """Return the size for this scale."""
    return {"smallest": smallest, "quick": quick, "full": full}[scale]


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Spent:
    """Run a command to its end; SystemExit with its last lines if it fails."""
    log = folder / ".said"
    with log.open("wb") as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(environment or {})}, stdout=said, stderr=said
        )
        _, state, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(state)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{log.read_text(errors='replace')[-2000:]}")
    mib = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return Spent(seconds, used.ru_utime + used.ru_stime, mib)


def etude(folder: Path, *arguments: str) -> Spent:
    """Run an `etude` command: with its corpora in the folder, and compiled files as pip makes them."""
    command = [sys.executable, "-m", "etude", *arguments]
    settings = {"WANDB_MODE": "offline", "PYTHONDONTWRITEBYTECODE": ""}
    return run(command, folder, {"ETUDE_DATA_DIR": str(folder / "data"), **settings})


def processor_seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the processor time of this process for one call, the least of some repeats."""
    best = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best
