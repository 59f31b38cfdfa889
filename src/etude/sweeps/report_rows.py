"""Rows of a report from folders: the jobs of a sweep, or any set of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from etude.errors import EtudeError
from etude.reports.curves import read_metrics
from etude.reports.sweep_rows import SweepRow, row_of
from etude.runs.catalogue import Entry, entries, is_run
from etude.runs.folder import RunFolder
from etude.runs.identity import identity
from etude.runs.lookup import OUTPUTS
from etude.runs.status import RunState
from etude.sweeps.sweep_folder import Sweep


def rows_of(paths: Sequence[Path]) -> list[SweepRow]:
    """Return a row for each job of each sweep, and for each run in or below the other folders."""
    rows: list[SweepRow] = []
    for path in paths:
        jobs = Sweep(path).jobs()
        if jobs and not any(job.outcome().error or _is_of_training(job.outcome().result) for job in jobs):
            raise EtudeError(
                f"{path}: its jobs train nothing; `etude sample -m` compares its samples on the page that it "
                "prints (samples/side-by-side_….html)"
            )
        if jobs:
            rows += [_with_metrics(row_of(job.outcome())) for job in jobs]
            continue
        runs = [Entry(path, path.as_posix())] if is_run(path) else entries(path, OUTPUTS)
        if not runs:
            raise EtudeError(f"{path}: no sweep (outputs/sweeps/...) and no run (outputs/NAME/...)")
        rows += map(_run_row, runs)
    return rows


def _is_of_training(result: Any) -> bool:
    return isinstance(result, dict) and ("test" in result or "state" in result)


def _run_row(run: Entry) -> SweepRow:
    settings = {key: value for key, value in identity(run.config).items() if "_target_" not in key}
    folder = {"folder": str(run.path)}
    if run.state in (RunState.PRUNED, RunState.RUNNING, RunState.QUEUED):
        return SweepRow(settings, {**folder, "state": run.state})
    if run.state != RunState.DONE:
        return SweepRow(settings, folder, error=f"{run.state}, no results")
    return _with_metrics(SweepRow(settings, {**RunFolder(run.path).results, **folder}))


def _with_metrics(row: SweepRow) -> SweepRow:
    path = RunFolder(Path(row.folder)).metrics
    known = row.folder and path.is_file()
    return SweepRow(row.settings, row.results, row.error, read_metrics(path) if known else {})
