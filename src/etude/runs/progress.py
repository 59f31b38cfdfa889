"""Progress of a run as its files tell it to another process: status.json, metrics.csv, samples/."""

from __future__ import annotations

import csv
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etude.runs.folder import RunFolder
from etude.runs.status import RunState
from etude.stored_tables import MAX_BYTES

TAIL = 64  # bytes before the offset that tell whether a file has only grown
LOSSES = {"loss": "train/loss_step", "train": "train/loss", "val": "val/loss", "accuracy": "val/accuracy"}
COUNTS = ("step", "epoch")


@dataclass
class Progress:
    """How far a run is; None for what its files do not tell yet.

    ``speed``: steps a second since the first look. ``metrics``: the latest of each, by the names in LOSSES.
    ``steps``: of the whole training, unless it is stopped early.
    """

    state: RunState
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
        self._ended = -1.0  # last epoch that has been reported
        self._samples: set[Path] = set()

    def look(self) -> tuple[Progress, list[str]]:
        """Return where the run is, and a line for each epoch that has ended since the last look."""
        ended = []
        state, status = self.run.state, self.run.status  # before the rows: the last ones come before the end
        for row in self._rows.read():
            self._latest |= row
            if "val/loss" in row and row.get("epoch", -1.0) > self._ended:
                self._ended = row["epoch"]
                ended.append(self._progress(state, status).line)
        if self._first is None and "step" in self._latest:
            self._first = time.monotonic(), int(self._latest["step"])
        return self._progress(state, status), ended

    def new_samples(self) -> list[Path]:
        """Return the folders below samples/ that have been finished since the last call, the oldest first."""
        found = sorted(self.run.samples.glob("*/samples.json"), key=lambda path: path.stat().st_mtime_ns)
        new = [path.parent for path in found if path.parent not in self._samples]
        self._samples.update(new)
        return new

    def _progress(self, state: RunState, status: dict[str, Any]) -> Progress:
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
        self._header, self._tail = b"", b""  # first line, and the bytes before the offset

    def read(self) -> list[dict[str, float]]:
        """Return the numbers in the new rows by column; of a file written anew, in all its rows."""
        try:
            with self._path.open("rb") as file:
                inode, header = os.fstat(file.fileno()).st_ino, file.readline(MAX_BYTES)
                file.seek(self._offset - len(self._tail))
                grown = file.read(len(self._tail)) == self._tail
                # a new file may have the number of an inode that was freed just now
                if (inode, header) != (self._inode, self._header) or not grown:
                    self._inode, self._header = inode, header
                    self._offset, self._tail = len(header), header[-TAIL:]
                file.seek(self._offset)
                data = file.read(MAX_BYTES)
        except OSError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        self._tail = (self._tail + whole)[-TAIL:]
        try:
            lines = list(csv.reader((header + whole).decode("utf-8", "replace").splitlines()))
        except csv.Error:  # a cell longer than any number
            return []
        return [_numbers(lines[0], line) for line in lines[1:]]


def _numbers(columns: list[str], cells: list[str]) -> dict[str, float]:
    found = {}
    for name, cell in zip(columns, cells, strict=False):
        try:
            number = float(cell)
            if name not in COUNTS or 0 <= number < 2**63:  # others are damaged, and are no whole numbers
                found[name] = number
        except ValueError:  # an empty cell, or a damaged one
            continue
    return found


def clock(seconds: float) -> str:
    """Return a duration as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
