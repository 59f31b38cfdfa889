"""Sweeps of a toy command through submitit: its local executor, and SLURM where this machine can have one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etude.config.compose import Checker
from etude.config.conf_files import conf_dir
from etude.config.plan import plan
from etude.config.session import session
from etude.errors import EtudeError
from etude.sweeps.engine import open_sweep, run_sweep
from etude.sweeps.sweep_folder import Sweep
from hydra_plugins.etude_submitit import queue

TARGET = "sweep_work:work_again"
NODE = Path(__file__).parents[2] / "benchmarks" / "slurm_node.sh"


@pytest.fixture
def sweep(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sweep]:
    here = (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(here))  # a job imports its function by name
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(queue, "SQUEUE_EVERY", 1.0)
    shutil.copytree(conf_dir() / "hydra" / "launcher", toy / "hydra" / "launcher", dirs_exist_ok=True)

    def sweep(*lines: str) -> Sweep:
        lines = (*lines, "hydra/job_logging=none", "hydra/hydra_logging=none", "hydra.output_subdir=null",
                 "hydra.sweep.dir=sweeps")  # fmt: skip
        with session(toy) as hydra:
            jobs = plan(Checker(hydra.config_loader, "toy"), lines, "etude toy", multirun=True, target=TARGET)
            found = open_sweep(hydra, "toy", lines, jobs, TARGET, trains=False)
            run_sweep(hydra, "toy", lines, found)
            return found

    return sweep


StartSweep = Callable[..., Sweep]


def states(sweep: Sweep) -> list[str]:
    return [job.status["state"] for job in sweep.jobs()]


def test_a_killed_job_stops_no_other_and_a_preempted_one_resumes(sweep: StartSweep) -> None:
    found = sweep("seed=0,1,2", "hydra/launcher=submitit_local", "hydra.launcher.n_jobs=3")
    assert states(found) == ["done", "interrupted", "done"]
    well, _, preempted = (job.status.get("result") for job in found.jobs())
    assert well["again"] is False
    assert preempted["again"] is True
    assert len({well["pid"], preempted["pid"], os.getpid()}) == 3


def test_where_there_is_no_slurm_that_is_said(sweep: StartSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EtudeError, match=r"no sbatch on this machine.*submitit_local"):
        sweep("seed=0,1", "hydra/launcher=slurm")


def test_an_engine_that_is_not_installed_is_named_before_anything_is_written(
    sweep: StartSweep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "hydra_plugins.hydra_ray_launcher", None)
    with pytest.raises(EtudeError, match="pip install hydra-ray-launcher"):
        sweep("seed=0,1", "hydra/launcher=ray")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def slurm(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("slurm")
    for above in (folder, *folder.parents[:2]):
        above.chmod(0o755)  # SLURM's other user must see its socket
    monkeypatch.setenv("SLURM_NODE_PORT", "26917")  # not the port of another SLURM on this machine
    started = subprocess.run(["sh", NODE, "start", folder], capture_output=True, text=True, check=False)
    if started.returncode:
        pytest.skip(started.stderr.strip())
    monkeypatch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
    yield
    subprocess.run(["sh", NODE, "stop", folder], check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="SLURM runs on Linux")
def test_on_slurm_jobs_run_and_a_killed_one_is_noticed_without_accounting(
    sweep: StartSweep, slurm: None, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = ("seed=0,1,3", "hydra/launcher=slurm", "hydra.launcher.mem_gb=null")
    assert states(sweep(*lines)) == ["done", "interrupted", "done"]
    assert queue.still_queued(["1_0", "99"]) == set()
