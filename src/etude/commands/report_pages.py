"""Pages that a verb leaves beside its files: report.html of a run or of a folder of samples."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from etude.commands import console
from etude.files import atomic_write
from etude.runs.folder import RunFolder
from etude.runs.identity import flatten

log = logging.getLogger(__name__)


def open_run_page(run: RunFolder) -> None:
    """Write report.html of a finished run, and say to open it; a failure is a warning."""
    _open(run.report, lambda: _run_page(run), "curves, metrics, and the samples")


def open_samples_page(folder: Path) -> None:
    """Write report.html of a folder of samples, and say to open it; a failure is a warning."""
    from etude.reports.samples_folder_page import samples_folder_page

    _open(folder / "report.html", lambda: samples_folder_page(folder), "the samples")


def _run_page(run: RunFolder) -> str:
    from etude.reports.curves import read_metrics
    from etude.reports.run_page import RunContent, run_page

    content = RunContent(
        run.read_json("manifest.json"),
        run.read_json("results.json"),
        run.read_json(run.evaluation.name),
        flatten(run.read_config()),
        read_metrics(run.metrics),
    )
    return run_page(run.path.name, content, run.samples)


def _open(path: Path, page: Callable[[], str], holds: str) -> None:
    try:
        atomic_write(path, page().encode())
    except Exception as error:  # the page shows what is stored already: nothing is lost without it
        log.debug("no report", exc_info=True)
        console.note(f"{path} could not be written: {error}")
        return
    console.note(f"\nOpen {path} in a browser: {holds} to hear and read.")
