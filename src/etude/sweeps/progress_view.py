"""Progress of a sweep and its running trainings on the terminal, read from their files, for any launcher."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from etude.runs.folder import RunFolder
from etude.runs.progress import RunProgress, clock
from etude.runs.status import STALE, RunState, condition
from etude.sweeps.sweep_folder import JobFolder, Sweep

EVERY = 0.5  # seconds between two looks at the jobs' files, or more of a large sweep:
LOOKS = 1000  # files to look at in a second, at most: the disk may be a network's
SEARCHED_EVERY = 5.0  # seconds between two searches for the run of a job
ENDED = (RunState.DONE, RunState.FAILED, RunState.PREEMPTED, RunState.INTERRUPTED, RunState.PRUNED)


@contextmanager
def shown_progress(sweep: Sweep) -> Iterator[None]:
    """Show the jobs done, failed and left, and the time left; outside a terminal one line for each job."""
    with os.fdopen(os.dup(sys.stderr.fileno()), "w") as file:  # jobs in this process redirect the original
        view = SweepView(sweep, Console(file=file, highlight=False, soft_wrap=True))
        over = threading.Event()
        watcher = threading.Thread(target=view.watch, args=(over,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


class States:
    """States of a sweep's jobs; a status file is read again only once it has changed."""

    def __init__(self, jobs: Sequence[JobFolder]) -> None:
        self._read: dict[str, tuple[object, dict[str, Any]]] = {}
        self._jobs = jobs

    def __call__(self) -> dict[str, RunState]:
        """Return the state of each job by its name."""
        return {job.name: self._state(job) for job in self._jobs}

    def _state(self, job: JobFolder) -> RunState:
        try:
            found = (job.path / "status.json").stat()
        except OSError:
            return RunState.QUEUED
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        known, status = self._read.get(job.name, (None, {}))
        if known != stamp:
            status = job.status
            self._read[job.name] = stamp, status
        return condition(status)


class SweepView:
    """Shows a sweep on a console: a line for each job that ends, and on a terminal a bar."""

    def __init__(self, sweep: Sweep, console: Console) -> None:
        self._sweep = sweep
        self._jobs = sweep.jobs()
        self._states = States(self._jobs)
        self._console = console
        # how each job ended; a scheduler may start one again
        self._shown = {name: state for name, state in self._states().items() if state in ENDED}
        self._began = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=None), TimeElapsedColumn(),
            console=console, expand=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self.bar.add_task("", total=len(self._jobs))
        self._before = len(self._shown)

    def watch(self, stop: threading.Event) -> None:
        """Show the jobs until ``stop`` is set."""
        before = f", {self._before} done before" if self._before else ""
        self._console.print(f"sweep of {len(self._jobs)} jobs{before}")
        with self.bar:
            while not stop.wait(max(EVERY, len(self._jobs) / LOOKS)):
                self.update()
            self.update()

    def update(self) -> dict[str, RunState]:
        """Look at the jobs and show them; return their states by name."""
        if not self._sweep.ledger:  # a search, which adds jobs as it goes
            self._jobs = self._sweep.jobs()
            self._states = States(self._jobs)
        states = self._states()
        ended = sum(state in ENDED for state in states.values())
        line = self._line(Counter(states.values()), ended)
        for job in self._jobs:
            state = states[job.name]
            if state in ENDED and state != self._shown.get(job.name):
                self._shown[job.name] = state
                self._console.print(Text(f"job {job.name} {_how(job)} ({line})"))
        self.bar.update(self._task, completed=ended, total=len(self._jobs), description=line)
        return states

    def _line(self, states: Counter[RunState], ended: int) -> str:
        left = len(self._jobs) - ended
        parts = [f"{states[RunState.DONE]} done"]
        parts += [
            f"{states[state]} {state}"
            for state in (
                RunState.FAILED,
                RunState.PRUNED,
                RunState.PREEMPTED,
                RunState.INTERRUPTED,
                RunState.RUNNING,
            )
            if states[state]
        ]
        parts.append(f"{left} left")
        new = ended - self._before
        if new and left:
            parts.append(f"about {_spelt((time.monotonic() - self._began) / new * left)}")
        return ", ".join(parts)


def _how(job: JobFolder) -> str:
    status, overrides = job.status, " ".join(job.job.overrides)
    if status["state"] == RunState.DONE:
        result = status.get("result")
        nats = f": {result['test']['nats']:.3f} nats" if isinstance(result, dict) and "test" in result else ""
        return f"done: {overrides}{nats}, {_spelt(status['seconds'])}"
    return f"{status['state']}: {overrides}: {status.get('error', '')} (see {job.log})"


def _spelt(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
    )


class RunningTrainings:
    """Shows the running trainings of a sweep as tasks of its bar."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._found: dict[str, RunProgress] = {}
        self._tasks: dict[str, TaskID] = {}
        self._searched = -SEARCHED_EVERY

    def show(self, bar: Progress, jobs: Sequence[str]) -> None:
        """Show how far the running jobs are, and remove the tasks of others."""
        for name in [name for name in self._tasks if name not in jobs]:
            bar.remove_task(self._tasks.pop(name))
            self._found.pop(name, None)
        missing = [name for name in jobs if name not in self._found]
        if missing and time.monotonic() - self._searched >= SEARCHED_EVERY:
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
            if recent and run.status.get("state") == RunState.RUNNING and _writer(run.status) == ours:
                return run
        return None


def _writer(status: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(status.get(key) for key in ("host", "boot", "pid"))
