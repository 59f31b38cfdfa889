"""What a sweep in progress shows of itself."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from etude.config.frozen import FrozenJob
from etude.config.resolved import ResolvedConfig
from etude.files import write_json
from etude.runs.status import RunState
from etude.sweeps import progress_view
from etude.sweeps.progress_view import SweepView
from etude.sweeps.sweep_folder import JobFolder, Sweep


def test_the_time_left_counts_the_jobs_that_ended_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1000.0
    monkeypatch.setattr(progress_view.time, "monotonic", lambda: clock)
    jobs = [JobFolder(tmp_path / "jobs" / f"{number:03}") for number in range(1, 6)]
    for number, job in enumerate(jobs):
        job.path.mkdir(parents=True)
        job.freeze(FrozenJob("a:work", (f"seed={number}",), ResolvedConfig({}), ResolvedConfig({})))
    names = [[job.name] for job in jobs]
    write_json(tmp_path / "ledger.json", {"command": "etude train -m", "jobs": 5, "trainings": names})
    for job in jobs[:2]:
        job.write_state(RunState.FAILED)
    view = SweepView(Sweep(tmp_path), Console(file=StringIO()))
    clock += 30
    jobs[2].write_state(RunState.DONE, seconds=30, result=None)
    view.update()
    assert view.bar.tasks[0].description == "1 done, 2 failed, 2 left, about 1 min 0 s"
