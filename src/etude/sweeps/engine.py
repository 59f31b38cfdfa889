"""Running a sweep through one of Hydra's launchers."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from hydra._internal.callbacks import Callbacks
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from etude.config.plan import Plan
from etude.errors import EtudeError
from etude.processes import usable_cores
from etude.runs.query import as_text
from etude.runs.status import State
from etude.sweeps.ledger import Sweep, frozen_sweep, search_sweep
from etude.sweeps.progress import shown_progress
from etude.sweeps.work import SearchTask, SweepTask
from etude.training.signals import stop_signals


def open_sweep(
    hydra: Hydra, config_name: str, lines: Sequence[str], plan: Plan, target: str, *, trains: bool
) -> Sweep:
    """Return the sweep that a command line asks for, every job that is known frozen in its folder.

    EtudeError, before any file is written, if the engine that is to run it is not installed, or is told what
    it cannot do.
    """
    master = _master(hydra, config_name, lines)
    _check_engine(str(master.hydra.launcher._target_))
    _check_settings(master.hydra)
    parent = Path(str(master.hydra.sweep.dir))
    command = f"etude {config_name} -m {shlex.join(lines)}"
    if plan.search:
        return search_sweep(parent, target, lines, command)
    return frozen_sweep(parent, plan.frozen, command, trains=trains)


def run_sweep(
    hydra: Hydra, config_name: str, lines: Sequence[str], sweep: Sweep, search: str | None = None
) -> None:
    """Run what is missing of a sweep; what came of each job is then in its folder.

    Preempted if a signal asks for an end: the jobs have saved what they had come to.
    ``search``: the "module:function" that a search is to call; it makes the jobs up as it goes.
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
            for batch in BasicSweeper.split_overrides_to_chunks(missing, size) if missing else []:
                launch(master, config_name, batch, first, SweepTask(sweep.path, target))
                first += len(batch)


def launch(
    master: DictConfig, config_name: str, trainings: list[list[str]], first: int, task: SweepTask
) -> None:
    """Hand the trainings to the launcher as jobs with one override each: the names of their jobs."""
    config = OmegaConf.create({"jobs": []})
    settings = OmegaConf.to_container(master.hydra.launcher, resolve=True)  # which may follow from other keys
    with open_dict(config):
        config.hydra = master.hydra
        config.hydra.launcher = settings
        config.hydra.sweep.dir = str(task.sweep)
    callbacks = Callbacks(config)
    callbacks.on_multirun_start(config=config, config_name=config_name)
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(config_loader=cast(ConfigLoader, _Frozen()), callbacks=callbacks),
        task_function=task,
        config=config,
    )
    try:
        launcher.launch([[f"jobs=[{','.join(names)}]"] for names in trainings], initial_job_idx=first)
    except EtudeError:
        raise
    except Exception as error:  # of the engine itself: what goes wrong in a job does not get here
        log = task.sweep / "launcher.log"
        log.write_text(traceback.format_exc())
        raise EtudeError(
            f"what runs the jobs gave up: {type(error).__name__} (all of it is in {log})\n"
            "The same line again runs what is missing."
        ) from error
    callbacks.on_multirun_end(config=config, config_name=config_name)


class _Frozen:
    """In the place of Hydra's loader, which would compose from files that may have changed since."""

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """Return the launcher's configuration with the names of the jobs filled in."""
        config = OmegaConf.create({"jobs": []})
        with open_dict(config):
            config.hydra = master_config.hydra
            config.hydra.overrides.task = sweep_overrides
            config.jobs = sweep_overrides[0].partition("=")[2].strip("[]").split(",")
        return config


def _warn_of_crowding(master: DictConfig, sweep: Sweep) -> None:
    """Say so if more threads are asked for than there are cores: all of them would be slower."""
    if master.hydra.launcher._target_ != _OURS:  # runs them elsewhere, or one by one
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


def _check_engine(target: str) -> None:
    """Raise EtudeError if what a launcher is built on is not installed."""
    module, package = next((need for name, need in _NEEDS.items() if name in target), ("", ""))
    if module and find_spec(module) is None:
        raise EtudeError(f"this hydra/launcher needs what is not installed here: pip install {package}")


def _check_settings(hydra: DictConfig) -> None:
    """Raise EtudeError for a number of ours, or of Hydra's own sweeper, that nothing can be run by."""
    from etude.sweeps.search import settings_of  # which needs this module

    at_once = OmegaConf.select(hydra, "launcher.n_jobs")
    if "hydra_plugins.etude_" in hydra.launcher._target_ and not is_count(at_once):
        raise EtudeError(f"hydra.launcher.n_jobs={as_text(at_once)}: a whole number from 1 is wanted")
    size = OmegaConf.select(hydra, "sweeper.max_batch_size")
    if size is not None and not is_count(size):
        raise EtudeError(f"hydra.sweeper.max_batch_size={as_text(size)}: a whole number from 1, or null")
    if "hydra_plugins.etude_" in hydra.sweeper._target_:
        settings_of(hydra.sweeper)


def is_count(value: object) -> bool:
    """Whether a value is a whole number from 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


_OURS = "hydra_plugins.etude_local.launcher.LocalLauncher"
_NEEDS = {  # part of a launcher's class → what it imports, and the package that has it
    "etude_submitit": ("submitit", "submitit"),
    "hydra_ray_launcher": ("hydra_plugins.hydra_ray_launcher", "hydra-ray-launcher"),
}


def _missing(sweep: Sweep) -> list[list[str]]:
    """Return the jobs that are not done, by training; how they ended before is forgotten.

    One that runs is left alone: its process, which outlived an earlier asking, is yet to say how it ends.
    """
    trainings: list[list[str]] = []
    for names in sweep.ledger["trainings"]:
        open_jobs = [name for name in names if not sweep.job(name).is_kept]
        for job in map(sweep.job, open_jobs):
            if job.status["state"] != State.RUNNING:
                job.say(State.QUEUED)
        if open_jobs:
            trainings.append(open_jobs)
    return trainings


def _master(hydra: Hydra, config_name: str, lines: Sequence[str]) -> DictConfig:
    """The configuration that decides how to run."""
    return hydra.compose_config(config_name, list(lines), RunMode.MULTIRUN, with_log_configuration=False)
