"""``etude job FOLDER``: one job of a sweep by itself, from its frozen configuration."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def run_job(words: Sequence[str]) -> int:
    """Run the job of the folder that is named, its output on the terminal; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="etude job",
        description="Run one job of a sweep in this process, as frozen when the sweep was typed.",
    )
    parser.add_argument("folder", type=Path, help="outputs/sweeps/SWEEP/jobs/NUMBER")
    folder = parser.parse_args(words).folder

    from etude.sweeps.folder import JobFolder
    from etude.sweeps.tasks import run_job_folder

    outcome = run_job_folder(JobFolder(folder), to_log=False)
    return 1 if outcome.trace else 2 if outcome.error else 0
