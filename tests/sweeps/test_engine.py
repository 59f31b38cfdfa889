"""Sweeps of a toy command, each job in this process or in one of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf

from etude.config.compose import Checker
from etude.config.jobs import Outcome
from etude.config.plan import plan
from etude.config.session import session
from etude.errors import EtudeError, Preempted
from etude.runs.status import RunState
from etude.sweeps.engine import open_sweep, run_sweep
from etude.sweeps.sweep_folder import Sweep
from etude.sweeps.tasks import SweepTask

QUIET = [
    "hydra/job_logging=none",
    "hydra/hydra_logging=none",
    "hydra.output_subdir=null",
    "hydra.sweep.dir=sweeps",
]
TARGET = "sweep_work:work"


@pytest.fixture
def sweep(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sweep]:
    monkeypatch.chdir(tmp_path)

    def sweep(*lines: str, between: Callable[[], None] = lambda: None) -> Sweep:
        lines = (*lines, *QUIET)
        with session(toy) as hydra:
            jobs = plan(Checker(hydra.config_loader, "toy"), lines, "etude toy", multirun=True, target=TARGET)
            found = open_sweep(hydra, "toy", lines, jobs, TARGET, trains=False)
            between()
            run_sweep(hydra, "toy", lines, found)
            return found

    return sweep


StartSweep = Callable[..., Sweep]
ENGINES = ("hydra/launcher=basic", "hydra/launcher=toy_local")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, toy: Path) -> str:
    from etude.config.conf_files import conf_dir

    (toy / "hydra" / "launcher").mkdir(parents=True, exist_ok=True)
    shipped = (conf_dir() / "hydra" / "launcher" / "local.yaml").read_text()
    (toy / "hydra" / "launcher" / "toy_local.yaml").write_text(shipped)
    return str(request.param)


def outcomes(sweep: Sweep) -> list[Outcome]:
    return [job.outcome() for job in sweep.jobs()]


def states(sweep: Sweep) -> list[str]:
    return [job.status["state"] for job in sweep.jobs()]


def test_each_job_of_a_sweep_ends_for_itself(
    sweep: StartSweep, engine: str, capfd: pytest.CaptureFixture[str]
) -> None:
    found = sweep("seed=0,1,2,3,5", engine)
    ends = outcomes(found)
    assert [outcome.overrides[0] for outcome in ends] == [f"seed={seed}" for seed in (0, 1, 2, 3, 5)]
    assert [outcome.error for outcome in ends] == [
        "", "one is unlucky", "ValueError: two is worse", "SystemExit: three leaves", "",
    ]  # fmt: skip
    assert [bool(outcome.trace) for outcome in ends] == [False, False, True, True, False]
    assert states(found) == ["done", "failed", "failed", "failed", "done"]
    for seed, job in zip((0, 1, 2, 3, 5), found.jobs(), strict=True):
        assert f"my seed is {seed}\n" in job.log.read_text()
    assert "Traceback" in found.job("003").log.read_text()
    assert "my seed" not in "".join(capfd.readouterr())


def test_a_job_on_a_full_disk_is_interrupted_and_continued_by_the_same_line(
    sweep: StartSweep, engine: str
) -> None:
    found = sweep("seed=0,11,5", engine)
    assert states(found) == ["done", "interrupted", "done"]
    assert "make room, and type the same command again" in outcomes(found)[1].error
    Path("room").touch()
    assert states(sweep("seed=0,11,5", engine)) == ["done", "done", "done"]


def test_a_process_that_is_killed_loses_its_own_job_only(
    sweep: StartSweep, engine: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if "local" not in engine:
        pytest.skip("has no processes")
    found = sweep("seed=0,6,5", engine, "hydra.launcher.n_jobs=2")
    assert states(found) == ["done", "interrupted", "done"]
    assert "interrupted" in outcomes(found)[1].error
    own = [outcome.result["pid"] for outcome in outcomes(found) if not outcome.error]
    assert len({*own, os.getpid()}) == 3


def test_editing_files_does_not_change_queued_jobs(sweep: StartSweep, toy: Path, engine: str) -> None:
    path = toy / "net" / "small.yaml"
    before = path.read_text()
    try:
        # while it waits to start, one file changes; the first job then makes it unreadable
        change = lambda: path.write_text(before.replace("width: 8", "width: 9"))  # noqa: E731
        found = sweep("seed=7,5,8", f"label='{path}'", engine, between=change)
        assert path.read_text() == "net: [broken"
        assert [outcome.result["width"] for outcome in outcomes(found)] == [8, 8, 8]
    finally:
        path.write_text(before)


def test_the_same_line_runs_the_missing_jobs_in_the_same_folder(sweep: StartSweep, engine: str) -> None:
    def finished(result: dict[str, object], name: str) -> dict[str, object]:
        run = Path(name)
        (run / "checkpoints").mkdir(parents=True)
        (run / "checkpoints" / "best.ckpt").touch()
        (run / "results.json").write_text(json.dumps({"nats": 1}))
        (run / "status.json").write_text(json.dumps({"state": "done"}))
        return {**result, "folder": name}

    first = sweep("seed=0,1,5", engine)
    for number in ("001", "003"):  # as a training leaves it
        job = first.job(number)
        job.write_state(RunState.DONE, seconds=1, result=finished(job.status["result"], f"run-{number}"))
    (Path("run-003") / "results.json").unlink()  # its run was spoilt since
    again = sweep("seed=0,1,5", engine)
    assert again.path == first.path
    assert Path("ran").read_text().split() == ["0", "5", "5"]
    assert states(again) == ["done", "failed", "done"]
    assert sweep("seed=0,1,8", engine).path != first.path


def test_what_asks_for_a_sweep_needs_not_what_trains() -> None:
    # the server of the processes imports it; twice would be seconds more before the first job
    asking = "import sys, etude.sweeps.engine, etude.sweeps.search, etude.reports.sweep_tables"
    slow = "{'torch', 'pytorch_lightning', 'matplotlib', 'wandb', 'optuna'}"
    subprocess.run([sys.executable, "-c", f"{asking}; assert not {slow} & set(sys.modules)"], check=True)


def test_an_interrupt_leaves_the_rest_for_later(sweep: StartSweep, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        sweep("seed=0,4,5", "hydra/launcher=basic")
    [path] = (tmp_path / "sweeps").iterdir()
    assert states(Sweep(path)) == ["done", "interrupted", "queued"]
    assert [bool(outcome.error) for outcome in outcomes(Sweep(path))] == [False, True, True]


def test_a_stopped_sweep_has_its_jobs_save_and_resumes_later(
    sweep: StartSweep, engine: str, tmp_path: Path
) -> None:
    with pytest.raises(Preempted, match="SIGTERM"):
        sweep("seed=0,9,5", engine)
    [path] = (tmp_path / "sweeps").iterdir()
    assert states(Sweep(path)) == ["done", "preempted", "queued"]
    assert "type the same command again" in outcomes(Sweep(path))[1].error
    assert states(sweep("seed=0,9,5", engine)) == ["done"] * 3


@pytest.mark.parametrize("engine", ["hydra/launcher=toy_local"], indirect=True)
def test_a_stopped_job_stops_no_other(sweep: StartSweep, engine: str) -> None:
    assert states(sweep("seed=0,10,5", engine)) == ["done", "preempted", "done"]


def test_an_engine_that_gives_up_is_reported_in_a_sentence(
    sweep: StartSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def launch(self, *_: object, **__: object) -> None:
            raise RuntimeError("a worker is gone")

    monkeypatch.setattr(Plugins, "instantiate_launcher", lambda *_, **__: Broken())
    with pytest.raises(EtudeError, match=r"launcher failed: RuntimeError.*launcher\.log") as told:
        sweep("seed=0,5", "hydra/launcher=basic")
    assert "Traceback" not in str(told.value)
    [log] = Path("sweeps").glob("*/launcher.log")
    assert "a worker is gone" in log.read_text()


def test_a_sweep_runs_once_at_a_time(sweep: StartSweep) -> None:
    found = sweep("seed=0,5", "hydra/launcher=basic")
    with found.held(), pytest.raises(EtudeError, match="another process runs this sweep"):
        sweep("seed=0,5", "hydra/launcher=basic")


def test_batches_of_the_sweeper_are_kept(sweep: StartSweep) -> None:
    found = sweep("seed=0,5,8", "hydra/launcher=basic", "hydra.sweeper.max_batch_size=2")
    assert states(found) == ["done"] * 3


@pytest.mark.parametrize("engine", ["hydra/launcher=toy_local"], indirect=True)
@pytest.mark.parametrize(
    "setting",
    ["launcher.n_jobs=0", "launcher.n_jobs=abc", "launcher.n_jobs=null", "sweeper.max_batch_size=0"],
)
def test_an_impossible_number_of_jobs_is_refused_before_any_file_is_written(
    sweep: StartSweep, engine: str, setting: str, tmp_path: Path
) -> None:
    with pytest.raises(EtudeError, match=f"hydra.{setting}: a whole number from 1"):
        sweep("seed=0,5", engine, f"hydra.{setting}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("engine", ["hydra/launcher=toy_local"], indirect=True)
def test_more_jobs_at_a_time_than_cores_are_warned_of(
    sweep: StartSweep, engine: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    sweep("seed=0,5", engine, "hydra.launcher.n_jobs=2")
    assert "2 jobs at a time with 1 threads each on 1 cores" in capfd.readouterr().err
    sweep("seed=0,8", engine, "hydra.launcher.n_jobs=1")
    assert "warning" not in capfd.readouterr().err


def test_a_search_gets_results_and_keeps_a_folder_for_each_job(
    sweep: StartSweep, engine: str, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etude.config.plan.BASIC_SWEEPER", "another.Sweeper")  # as a plugin's would be seen
    lines = ["seed=0,5", engine, *QUIET]
    with session(toy) as hydra:
        jobs = plan(Checker(hydra.config_loader, "toy"), lines, "etude toy", multirun=True, target=TARGET)
        found = open_sweep(hydra, "toy", lines, jobs, TARGET, trains=False)
        run_sweep(hydra, "toy", lines, found, search=TARGET)
    assert states(found) == ["done", "done"]
    assert [outcome.result["width"] for outcome in outcomes(found)] == [8, 8]
    assert all(len(job.name) == 8 and job.log.read_text() for job in found.jobs())


def test_progress_counts_ended_and_remaining_jobs(
    sweep: StartSweep, engine: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sweep("seed=0,1,5", engine)
    told = capfd.readouterr().err
    assert "sweep of 3 jobs" in told
    assert "job 001 done: seed=0" in told
    assert "job 002 failed: seed=1" in told
    assert "one is unlucky" in told
    assert "2 done, 1 failed, 0 left" in told


def test_a_task_that_a_scheduler_starts_again_leaves_its_finished_jobs_alone(sweep: StartSweep) -> None:
    found = sweep("seed=0,1", ENGINES[0])
    for job in found.jobs():
        job.log.write_text("before\n")
    SweepTask(found.path, TARGET)(OmegaConf.create({"jobs": [job.name for job in found.jobs()]}))
    done, failed = (job.log.read_text() for job in found.jobs())
    assert done == "before\n"
    assert "my seed is 1" in failed  # which is tried again
