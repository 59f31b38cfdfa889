"""metrics.csv: the figures of a run, one row a step, kept whole on disk at all times."""

from __future__ import annotations

import csv
import io
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from etude.files import atomic_write


class MetricsCsv(Logger):
    """A Lightning logger whose file a reader, or a crash, never meets half-written.

    Columns: step, epoch, then metrics in the order of their first appearance; empty where a row has none.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._rows: dict[int, dict[str, float]] = {}

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
        """Write the file."""
        columns = list(dict.fromkeys(["step", "epoch", *(key for row in self._rows.values() for key in row)]))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(self._rows[step] for step in sorted(self._rows))
        atomic_write(self._path, text.getvalue().encode())

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write the file for the last time."""
        self.save()
