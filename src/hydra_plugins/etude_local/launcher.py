"""`hydra/launcher=local`: each job in its own process, ``n_jobs`` at a time."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.utils import JobReturn, JobRuntime, JobStatus, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from etude.config.hydra_adapter import behave_as_current
from etude.sweeps.pool import run_each


class LocalLauncher(Launcher):
    """Run Hydra's jobs in processes forked from one that has imported the task's ``preload`` modules.

    ``n_jobs``: how many run at a time. A job whose process dies has failed; the others continue.
    """

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs = n_jobs

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep the configuration and the task."""
        self.context, self.task, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Compose every job, then run them all."""
        configs = composed(self.context, self.config, job_overrides, initial_job_idx)
        tasks = [(self.context, self.task, config) for config in configs]
        preload = [__name__, *getattr(self.task, "preload", [])]
        returned = run_each(run, tasks, at_once=self.n_jobs, preload=preload)
        return [each if isinstance(each, JobReturn) else failed(each) for each in returned]


def composed(
    context: HydraContext, master: DictConfig, job_overrides: Sequence[Sequence[str]], first: int
) -> list[DictConfig]:
    """Return the configuration of each job, numbered from ``first``."""
    setup_globals()
    load = context.config_loader.load_sweep_config
    configs = [load(master, list(overrides)) for overrides in job_overrides]
    for number, config in enumerate(configs, start=first):
        with open_dict(config):
            config.hydra.job.id = str(number)
            config.hydra.job.num = number
    return configs


def run(context: HydraContext, task: TaskFunction, config: DictConfig) -> JobReturn:
    """Run one job in a process where Hydra is not set up."""
    behave_as_current()
    setup_globals()
    JobRuntime.instance().set("name", config.hydra.job.name)
    return run_job(
        hydra_context=context,
        task_function=task,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )


def failed(error: Exception) -> JobReturn:
    """Return the JobReturn of a job that has no result."""
    returned = JobReturn()
    returned.return_value, returned.status = error, JobStatus.FAILED
    return returned
