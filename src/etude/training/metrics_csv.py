"""metrics.csv: the figures of a run, one row a step, kept whole on disk at all times."""

from __future__ import annotations

import csv
import io
import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from etude.files import atomic_write

EVERY = 1.0  # seconds between two writings of the file while a training runs


class MetricsCsv(Logger):
    """A Lightning logger whose file a reader, or a crash, never meets half-written.

    Columns: step, epoch, then metrics in the order of their first appearance; empty where a row has none.
    A resumed run keeps the rows ``before`` its first step, to the letter, and logs the others again.
    """

    def __init__(self, path: Path, before: int = 0) -> None:
        super().__init__()
        self._path = path
        self._rows: dict[int, dict[str, float | str]] = _rows_before(path, before) if before else {}
        self._written = 0.0

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "csv"

    @property
    def version(self) -> str:
        """Empty: a run has one file."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the resolved config has a file of its own."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add to the row of this step."""
        if step is not None:
            self._rows.setdefault(step, {"step": step}).update(metrics)

    @rank_zero_only
    def save(self) -> None:
        """Write the file, unless that was a moment ago: Lightning asks after every row."""
        if time.monotonic() - self._written >= EVERY:
            self.flush()

    @rank_zero_only
    def flush(self) -> None:
        """Write the file now."""
        self._written = time.monotonic()
        columns = list(dict.fromkeys(["step", "epoch", *(key for row in self._rows.values() for key in row)]))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(self._rows[step] for step in sorted(self._rows))
        atomic_write(self._path, text.getvalue().encode())

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write the file for the last time."""
        self.flush()


def _rows_before(path: Path, step: int) -> dict[int, dict[str, float | str]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [{key: cell for key, cell in row.items() if cell} for row in csv.DictReader(file)]
    return {int(row["step"]): {**row} for row in rows if int(row["step"]) < step}
