"""A run's folder: names of its files, its status and its lock."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.files import write_json
from etude.runs.checksums import NAME as CHECKSUMS
from etude.runs.checksums import write_checksums
from etude.runs.identity import FORMAT
from etude.runs.status import (
    Heartbeat,
    RunState,
    condition,
    end_written,
    is_alive,
    is_here,
    now,
    write_status,
)
from etude.runs.stored_types import FILES
from etude.stored_files import StoredFileError, read_json, read_yaml

POLL = 1.0  # seconds between two looks at a run that another process is training


def locked(path: Path, complaint: str) -> AbstractContextManager[object]:
    """Lock a file at once, and until the block ends; EtudeError if another process has it."""
    try:
        return FileLock(path).acquire(timeout=0)
    except Timeout:
        raise EtudeError(complaint) from None


class RunFolder:
    """Files and status of a run, and the lock that allows one training process at a time.

    ``status.json`` holds ``state`` and what belongs to it (see :mod:`etude.runs.status`); ``results.json``
    the metrics of a finished run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.manifest = path / "manifest.json"
        self.metrics = path / "metrics.csv"
        self.times = path / "times.csv"
        self.checkpoints = path / "checkpoints"
        self.samples = path / "samples"
        self.evaluation = path / "evaluation.json"
        self.report = path / "report.html"
        self.log = path / "train.log"
        self._about: dict[str, Any] = {}  # of the attempt that this process makes, for status.json

    @property
    def status(self) -> dict[str, Any]:
        """Content of status.json (state, attempt, host, pid, started, heartbeat, error); {} if missing."""
        return self._readable("status.json")

    @property
    def state(self) -> RunState:
        """Current state of the run."""
        found = condition(self.status)
        return RunState.INTERRUPTED if found == RunState.DONE and not self.is_done else found

    @property
    def signature(self) -> str:
        """Signature in the manifest; "" if there is none."""
        return str(self._readable("manifest.json").get("signature", ""))

    @property
    def is_outdated(self) -> bool:
        """Whether the run is in an older format that this version does not read."""
        manifest = self._readable("manifest.json")
        return bool(manifest) and manifest.get("format", 1) != FORMAT

    def check_format(self) -> None:
        """Raise EtudeError if the run is outdated."""
        if self.is_outdated:
            raise EtudeError(
                f"{self.path} was made by an earlier version of Étude: train it again, or use version 0.1"
            )

    @property
    def is_done(self) -> bool:
        """Whether the training has ended and all its files exist."""
        done = self.status.get("state") == RunState.DONE
        return done and bool(self.results) and (self.checkpoints / "best.ckpt").is_file()

    @property
    def results(self) -> dict[str, Any]:
        """Results of a finished run, as given to :meth:`finish`."""
        return self._readable("results.json")

    def _readable(self, name: str) -> dict[str, Any]:
        """Return the content of a JSON file; {} also if it is damaged, so that etude train makes it anew."""
        try:
            return self.read_json(name)
        except StoredFileError:
            return {}

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the content of a JSON file; {} if there is none. StoredFileError if it is damaged."""
        return read_json(self.path / name, FILES.get(name, dict[str, Any]))

    def read_config(self) -> ResolvedConfig:
        """Return the resolved config of the run's start, empty if there is none.

        StoredFileError if it is damaged.
        """
        try:
            return ResolvedConfig(read_yaml(self.config))
        except (FileNotFoundError, NotADirectoryError):
            return ResolvedConfig({})

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a file of plain values, atomically."""
        write_json(self.path / name, content)

    def finish(self, results: dict[str, Any]) -> None:
        """Store the results; the run is done when its ``with run.training()`` ends."""
        self.write_json("results.json", results)

    def queue(self) -> None:
        """Mark a new run as queued."""
        if self.state == RunState.NEW:
            write_status(self.path, RunState.QUEUED, attempt=0)

    def checkpoint(self, which: str) -> Path:
        """Return the checkpoint ``best`` or ``last``; EtudeError if the run has none."""
        self.check_format()
        path = self.checkpoints / f"{which}.ckpt"
        if path.is_file():
            return path
        if not self.path.is_dir():
            raise EtudeError(f"there is no run folder {self.path}; etude train prints the one it makes")
        raise EtudeError(f"the run {self.path} (state: {self.state}) has no checkpoint {path.name}")

    def clear(self) -> None:
        """Remove the files of an earlier attempt except its log."""
        for name in ("checkpoints", "samples", "tensorboard"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        written = ("manifest.json", "results.json", "metrics.csv", "times.csv", "loss.png", "accuracy.png")
        for name in (*written, CHECKSUMS, "evaluation.json", "report.html"):
            (self.path / name).unlink(missing_ok=True)

    @contextmanager
    def held(self, on_running: str) -> Iterator[bool]:
        """Hold the run's lock, so that no other process trains it.

        If one is at it already: ``wait`` until it ends, ``skip`` (False is given and nothing held), or
        ``stop`` with an EtudeError. The lock goes with its process, however that ends; a process on another
        host, where locks may not reach, counts as training while its heartbeat is fresh.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError as error:  # as below /proc, where nobody can make a folder
            raise EtudeError(
                f"{self.path} cannot be made: {error.strerror}; name another outputs_dir"
            ) from None
        lock = FileLock(self.path / ".lock")
        while not self._acquired(lock):
            if on_running == "skip":
                yield False
                return
            if on_running == "stop":
                raise EtudeError(
                    f"another process is training {self.path}; on_running=wait waits for it, on_running=skip "
                    "leaves it alone, label=WORD makes a second copy"
                )
            time.sleep(POLL)
        try:
            yield True
        finally:
            lock.release()

    @property
    def next_attempt(self) -> int:
        """Number of the attempt at this training that comes next, from 1."""
        return int(self.status.get("attempt", 0)) + 1

    @contextmanager
    def training(self) -> Iterator[None]:
        """Keep status.json up to date during a training by the lock's holder.

        Running inside, with a heartbeat; then done, preempted, pruned, interrupted, or failed with the error.
        """
        for left in (*self.path.glob(".*.tmp"), *self.checkpoints.glob(".*.tmp")):
            left.unlink()  # of a write that was killed
        self._about = {"attempt": self.next_attempt, "started": now()}

        def write(state: RunState, **details: Any) -> None:
            write_status(self.path, state, **self._about, **details)

        with end_written(write), Heartbeat(lambda: write(RunState.RUNNING)):
            yield
            write_checksums(self.path)
        write(RunState.DONE)

    def expect(self, steps: int) -> None:
        """Store in the status how many training steps the run will have, for whoever watches it."""
        self._about = {**self._about, "steps": steps}
        write_status(self.path, RunState.RUNNING, **self._about)

    def _acquired(self, lock: FileLock) -> bool:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        status = self.status
        if status.get("state") == RunState.RUNNING and not is_here(status) and is_alive(status):
            lock.release()
            return False
        return True
