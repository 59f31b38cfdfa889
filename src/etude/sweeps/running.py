"""Trainings that a sweep's jobs run now: which run folder belongs to a job, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import Progress, TaskID

from etude.runs.folder import RunFolder
from etude.runs.progress import RunProgress, clock
from etude.runs.status import STALE, State
from etude.sweeps.folder import Sweep

EVERY = 5.0  # seconds between two searches for the run of a job


class RunningTrainings:
    """Shows the running trainings of a sweep as tasks of its bar."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._found: dict[str, RunProgress] = {}
        self._tasks: dict[str, TaskID] = {}
        self._searched = -EVERY

    def show(self, bar: Progress, jobs: Sequence[str]) -> None:
        """Show how far the running jobs are, and remove the tasks of others."""
        for name in [name for name in self._tasks if name not in jobs]:
            bar.remove_task(self._tasks.pop(name))
            self._found.pop(name, None)
        missing = [name for name in jobs if name not in self._found]
        if missing and time.monotonic() - self._searched >= EVERY:
            self._searched = time.monotonic()
            for name in missing:
                if run := self._run_of(name):
                    self._found[name] = RunProgress(run)
        for name in jobs:
            if name in self._found:
                self._update(bar, name)

    def _update(self, bar: Progress, name: str) -> None:
        progress, _ = self._found[name].look()
        parts = [f"job {escape(name)}: epoch {progress.epoch}/{progress.epochs or '–'}"]
        parts += [
            f"{label} {value:.3f}" for label, value in progress.metrics.items() if label in ("loss", "val")
        ]
        if progress.seconds_left is not None:
            parts.append(f"left {clock(progress.seconds_left)}")
        if name not in self._tasks:
            self._tasks[name] = bar.add_task("", total=progress.steps)
        bar.update(
            self._tasks[name], description="  ".join(parts), completed=progress.step, total=progress.steps
        )

    def _run_of(self, name: str) -> RunFolder | None:
        """Return the folder of the run that the job's process trains now; None if there is none yet."""
        job = self._sweep.job(name)
        ours, config = _writer(job.status), job.job.config
        parent = Path(str(config.get("outputs_dir"))) / str(config.get("name"))
        for file in parent.glob("*/status.json"):
            try:
                recent = time.time() - file.stat().st_mtime < STALE
            except OSError:
                continue
            run = RunFolder(file.parent)
            if recent and run.status.get("state") == State.RUNNING and _writer(run.status) == ours:
                return run
        return None


def _writer(status: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(status.get(key) for key in ("host", "boot", "pid"))
