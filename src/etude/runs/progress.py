"""Progress of a run as its files tell it to another process: status.json, metrics.csv, samples/."""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etude.runs.folder import RunFolder
from etude.runs.status import State

LOSSES = {"loss": "train/loss_step", "train": "train/loss", "val": "val/loss", "accuracy": "val/accuracy"}


@dataclass
class Progress:
    """How far a run is; None for what its files do not tell yet.

    ``speed``: steps a second since the first look. ``metrics``: the latest of each, by the names in LOSSES.
    ``steps``: of the whole training, unless it is stopped early.
    """

    state: State
    epoch: int
    epochs: int | None
    step: int
    steps: int | None
    metrics: dict[str, float]
    speed: float | None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the last step; None if nobody can know."""
        return (self.steps - self.step) / self.speed if self.steps and self.speed else None

    @property
    def line(self) -> str:
        """Epoch, step, time left, metrics and speed as text."""
        of = "" if self.epochs is None else f"/{self.epochs}"
        parts = [f"epoch {self.epoch}{of}", f"step {self.step}{f'/{self.steps}' if self.steps else ''}"]
        if self.seconds_left is not None:  # before what a narrow terminal cuts off
            parts.append(f"left {clock(self.seconds_left)}")
        parts += [f"{name} {value:.3f}" for name, value in self.metrics.items()]
        if self.speed:
            parts.append(f"{self.speed:.1f} steps/s")
        return "  ".join(parts)


class RunProgress:
    """Follows a run: each look reads only what is new in metrics.csv."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._rows = _NewRows(run.metrics)
        self._latest: dict[str, float] = {}
        self._first: tuple[float, int] | None = None  # time and step of the first look that saw one
        self._epochs: int | None = None
        self._samples: set[Path] = set()

    def look(self) -> tuple[Progress, list[str]]:
        """Return where the run is, and a line for each epoch that has ended since the last look."""
        ended = []
        state, status = self.run.state, self.run.status  # before the rows: the last ones come before the end
        for row in self._rows.read():
            self._latest |= row
            if "val/loss" in row:
                ended.append(self._progress(state, status).line)
        if self._first is None and "step" in self._latest:
            self._first = time.monotonic(), int(self._latest["step"])
        return self._progress(state, status), ended

    def new_samples(self) -> list[Path]:
        """Return the folders below samples/ that have been finished since the last call."""
        found = {path.parent for path in self.run.samples.glob("*/samples.json")}
        new, self._samples = sorted(found - self._samples), self._samples | found
        return new

    def _progress(self, state: State, status: dict[str, Any]) -> Progress:
        if self._epochs is None:
            epochs = self.run.read_config().as_dict().get("trainer", {}).get("max_epochs")
            self._epochs = epochs if isinstance(epochs, int) and epochs > 0 else None  # -1: no limit
        step, speed = int(self._latest.get("step", -1)) + 1, None
        if self._first is not None:
            seconds, steps = time.monotonic() - self._first[0], step - 1 - self._first[1]
            speed = steps / seconds if steps > 0 and seconds > 0 else None
        epoch = int(self._latest.get("epoch", 0)) + 1
        return Progress(
            state=state,
            epoch=epoch if self._epochs is None else min(epoch, self._epochs),  # the test's row is one later
            epochs=self._epochs,
            step=min(step, status.get("steps") or step),
            steps=status.get("steps"),
            metrics={name: self._latest[key] for name, key in LOSSES.items() if key in self._latest},
            speed=speed,
        )


class _NewRows:
    """Rows appended to metrics.csv since the last read; a file written anew is read from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode, self._offset = -1, 0
        self._columns: list[str] = []
        self._last = -1.0  # newest step seen

    def read(self) -> list[dict[str, float]]:
        """Return the numbers in the new rows by column."""
        try:
            with self._path.open("rb") as file:
                found = file.seek(0, 2), self._path.stat().st_ino
                if found[1] != self._inode or found[0] < self._offset:
                    self._inode, self._offset, self._columns = found[1], 0, []
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        lines = list(csv.reader(whole.decode("utf-8", "replace").splitlines()))
        if lines and not self._columns:
            self._columns = lines.pop(0)
        rows = [_numbers(self._columns, line) for line in lines]
        new = [row for row in rows if row.get("step", -1.0) > self._last]
        self._last = max([self._last, *(row["step"] for row in new)])
        return new


def _numbers(columns: list[str], cells: list[str]) -> dict[str, float]:
    found = {}
    for name, cell in zip(columns, cells, strict=False):
        try:
            found[name] = float(cell)
        except ValueError:  # an empty cell, or a damaged one
            continue
    return found


def clock(seconds: float) -> str:
    """Return a duration as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
