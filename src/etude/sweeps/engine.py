"""Open the sweep that a command line describes, and run its missing jobs."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from etude.config.hydra_adapter import Hydra, batches
from etude.config.plan import Plan
from etude.errors import EtudeError
from etude.processes import usable_cores
from etude.runs.status import RunState
from etude.sweeps.creation import frozen_sweep, search_sweep
from etude.sweeps.launch import check_launcher, launch
from etude.sweeps.progress_view import shown_progress
from etude.sweeps.settings import check_settings
from etude.sweeps.sweep_folder import Sweep
from etude.sweeps.tasks import SearchTask, SweepTask
from etude.training.signals import stop_signals

_LOCAL = "hydra_plugins.etude_local.launcher.LocalLauncher"


def open_sweep(
    hydra: Hydra, config_name: str, lines: Sequence[str], plan: Plan, target: str, *, trains: bool
) -> Sweep:
    """Return the sweep of a command line, its known jobs frozen in its folder.

    EtudeError, before any file is written, if its launcher is not installed or has wrong settings, or if
    each process of torchrun's would open the sweep.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        raise EtudeError(
            "torchrun starts the processes of one training; type this sweep without torchrun, or leave out -m"
        )
    master = _master(hydra, config_name, lines)
    check_launcher(str(master.hydra.launcher._target_))
    check_settings(master.hydra)
    parent = Path(str(master.hydra.sweep.dir))
    together = ["--zip", ",".join(plan.zipped)] if plan.zipped else []
    command = f"etude {config_name} -m {shlex.join([*lines, *together])}"
    if plan.search:
        return search_sweep(parent, target, lines, command)
    return frozen_sweep(parent, plan.frozen, command, trains=trains)


def run_sweep(
    hydra: Hydra, config_name: str, lines: Sequence[str], sweep: Sweep, search: str | None = None
) -> None:
    """Run the missing jobs of a sweep; results and errors are then in the jobs' folders.

    ``search``: the "module:function" that a search calls. Preempted if a signal stops the sweep: its jobs
    have saved their state.
    """
    with sweep.held(), stop_signals():
        if search:
            folder = f"hydra.sweep.dir='{sweep.path}'"
            hydra.multirun(
                config_name, SearchTask(sweep.path, search), [*lines, folder, "hydra.mode=MULTIRUN"]
            )
            return
        master = _master(hydra, config_name, lines)
        size = OmegaConf.select(master, "hydra.sweeper.max_batch_size")
        _warn_of_crowding(master, sweep)
        missing = _missing(sweep)
        target = sweep.jobs()[0].job.target
        with shown_progress(sweep):
            first = 0
            for batch in batches(missing, size):
                launch(master, config_name, batch, first, SweepTask(sweep.path, target))
                first += len(batch)


def _warn_of_crowding(master: DictConfig, sweep: Sweep) -> None:
    """Warn if the jobs use more threads than there are cores: all of them would be slower."""
    if master.hydra.launcher._target_ != _LOCAL:  # others run elsewhere, or one job at a time
        return
    at_once = min(OmegaConf.select(master, "hydra.launcher.n_jobs", default=1), len(sweep.jobs()))
    threads = max(job.job.config.get("threads", 1) for job in sweep.jobs())
    cores = usable_cores()
    if at_once * threads > cores:
        print(
            f"warning: {at_once} jobs at a time with {threads} threads each on {cores} cores get in each "
            "other's way",
            file=sys.stderr,
        )


def _missing(sweep: Sweep) -> list[list[str]]:
    """Return the jobs that are not complete, by training, and mark them as queued.

    A running one keeps its state: its process outlived an earlier call, and will write how it ends.
    """
    trainings: list[list[str]] = []
    for names in sweep.ledger["trainings"]:
        open_jobs = [name for name in names if not sweep.job(name).is_complete]
        for job in map(sweep.job, open_jobs):
            if job.state != RunState.RUNNING:
                job.write_state(RunState.QUEUED)
        if open_jobs:
            trainings.append(open_jobs)
    return trainings


def _master(hydra: Hydra, config_name: str, lines: Sequence[str]) -> DictConfig:
    """Compose the configuration that decides how to run."""
    return hydra.compose_config(config_name, list(lines), RunMode.MULTIRUN, with_log_configuration=False)
