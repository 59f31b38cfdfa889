"""metrics.csv and times.csv: the metrics of a run, one row per step, appended during training."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from etude.errors import EtudeError
from etude.files import atomic_write
from etude.stored_files import StoredFileError
from etude.stored_tables import read_table

EVERY = 1.0  # seconds between two writes while a training runs
TIMES = "time/"  # how the names of metrics begin that no second run repeats

Row = dict[str, float | str]


class RowsCheck(TypedDict, total=False):
    """Number and checksum of the rows in metrics.csv, as a checkpoint stores them, if there are any."""

    rows: int
    sha256: str


class MetricsCsv(Logger):
    """Lightning logger of metrics.csv; its cost does not grow with the file.

    Times are left out (see :class:`TimesCsv`), so that two runs of one training have the same file.
    Columns: step, epoch, then metrics in the order of their first appearance; empty where a row has none.
    Rows are in the order of their steps. A row is appended, its end of line last: a crash leaves whole rows
    and at most one without an end, which no reader of ours takes for a row. Only a new column, or a change to
    a row that is in the file, writes the file anew, whole or not at all. A resumed run keeps the rows
    ``before`` its first step, to the letter, and logs the others again.
    """

    def __init__(self, path: Path, before: int = 0) -> None:
        super().__init__()
        self._path = path
        self._columns = dict.fromkeys(("step", "epoch"))  # an ordered set
        self._waiting: dict[int, Row] = {}  # rows that are not in the file, or not as they are now
        self._last = -1  # newest step in the file
        self._can_append = False  # not to a file of an earlier attempt, nor under other columns
        self._written = 0.0
        self._count, self._digest = 0, hashlib.sha256()  # of the rows in the file
        if before:
            self._take_back(before)

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "csv"

    @property
    def version(self) -> str:
        """Empty: a run has one file."""
        return ""

    @property
    def check(self) -> RowsCheck:
        """Number and checksum of the rows written so far; known without reading the file."""
        return {"rows": self._count, "sha256": self._digest.hexdigest()}

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the resolved config has a file of its own."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add metrics to the row of this step."""
        ours = {name: value for name, value in metrics.items() if self._keeps(name)}
        if step is None or (len(ours) < len(metrics) and ours.keys() <= {"epoch"}):
            return
        if not ours.keys() <= self._columns.keys() and self._can_append:
            self._take_back()
        self._columns |= dict.fromkeys(ours)
        self._waiting.setdefault(step, {"step": step}).update(ours)

    @rank_zero_only
    def save(self) -> None:
        """Write the complete rows, at most once a second; Lightning calls this after every row."""
        if time.monotonic() - self._written >= EVERY:
            steps = sorted(self._waiting)
            growing = bool(steps) and steps[-1] > self._last  # the newest row may get further metrics
            self._write(steps[:-1] if growing else steps)

    @rank_zero_only
    def flush(self) -> None:
        """Write all rows now."""
        self._write(sorted(self._waiting))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write the file for the last time."""
        self.flush()

    def _keeps(self, name: str) -> bool:
        return not name.startswith(TIMES)

    def _write(self, steps: list[int]) -> None:
        self._written = time.monotonic()
        if self._can_append and steps and steps[0] <= self._last:
            self._take_back()
            steps = sorted(self._waiting)
        text, rows = io.StringIO(), [self._waiting[step] for step in steps]
        writer = csv.DictWriter(text, list(self._columns))
        count, digest, write = self._count, self._digest.copy(), _append
        if not self._can_append:
            writer.writeheader()
            count, digest, write = 0, hashlib.sha256(), atomic_write
        for row in rows:
            writer.writerow(row)
            digest.update(_digested(row))
        try:
            write(self._path, text.getvalue().encode())
        except BaseException:  # a signal or a full disk: the file may have some of the rows
            if self._can_append:
                self._take_back()
            raise
        for step in steps:
            del self._waiting[step]
        self._count, self._digest, self._can_append = count + len(rows), digest, True
        self._last = max([self._last, *steps])

    def _take_back(self, before: int | None = None) -> None:
        """Read the rows of the file (those ``before`` a step) back, for the next write to make a new file."""
        columns, rows = _read_rows(self._path)
        for step, row in rows.items():
            if before is None or step < before:
                self._waiting[step] = {**row, **self._waiting.get(step, {})}
                self._last = max(self._last, step)
        used = {key for row in self._waiting.values() for key in row}
        self._columns |= {key: None for key in columns if key in used}
        self._can_append = False


class TimesCsv(MetricsCsv):
    """Lightning logger of times.csv: speed and seconds of each epoch."""

    def __init__(self, path: Path, before: int = 0) -> None:
        try:
            super().__init__(path, before)
        except (OSError, StoredFileError):  # lost or damaged, and nothing needs it
            super().__init__(path)

    def _keeps(self, name: str) -> bool:
        return name == "epoch" or name.startswith(TIMES)


def check_rows(path: Path, before: int, saved: RowsCheck) -> None:
    """Raise EtudeError if the rows ``before`` a step are not those of the checkpoint taken at that step.

    Later rows may differ: a resumed run logs them again.
    """
    digest, count = hashlib.sha256(), 0
    try:
        for step, row in sorted(_read_rows(path)[1].items()):
            if step < before:
                digest.update(_digested(row))
                count += 1
    except StoredFileError:
        count = -1
    if saved != {"rows": count, "sha256": digest.hexdigest()}:
        raise EtudeError(
            f"{path} is damaged: its rows before step {before} are not those of the run's checkpoint. "
            f"Put the file back, or type etude rm {path.parent} and train again from the beginning"
        )


def _read_rows(path: Path) -> tuple[list[str], dict[int, Row]]:
    """Return the columns of a file, and its rows by step without their empty cells."""
    columns, lines = read_table(path)
    rows: dict[int, Row] = {
        line.whole("step"): {key: cell for key, cell in line.cells.items() if cell} for line in lines
    }
    return columns, rows


def _digested(row: Row) -> bytes:
    """Return the bytes of a row that the checksum covers: its cells by name, whatever columns others have."""
    return json.dumps(sorted((name, str(cell)) for name, cell in row.items())).encode()


def _append(path: Path, data: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(data)
        os.fsync(file.fileno())
