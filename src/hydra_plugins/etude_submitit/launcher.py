"""`hydra/launcher=slurm`: each training of a sweep as a SLURM job, through submitit.

`hydra/launcher=submitit_local` uses submitit's local executor, which behaves alike without SLURM.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from etude.errors import EtudeError, Preempted
from hydra_plugins.etude_local.launcher import composed, failed, run
from hydra_plugins.etude_submitit.queue import results, state, still_queued

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

# Parameters of submitit for every executor; the names of all others begin with the executor's.
SHARED = ("name", "timeout_min", "mem_gb", "cpus_per_task", "gpus_per_node")


class SubmititLauncher(Launcher):
    """Submit Hydra's jobs, and wait until each has a result or is lost; a lost job has failed.

    ``executor``: "slurm" or "local". ``n_jobs``: how many run at a time. ``requeues``: how often a job
    continues after its time limit. ``settings`` are submitit's, by its names; None: not set.
    """

    def __init__(self, executor: str, n_jobs: int, requeues: int, **settings: Any) -> None:
        self.executor, self.n_jobs, self.requeues, self.settings = executor, n_jobs, requeues, settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep the configuration and the task."""
        self.context, self.task, self.config = hydra_context, task_function, config
        self.folder = Path(config.hydra.sweep.dir) / ".submitit"  # on a file system that the nodes share

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit every job and wait for all; EtudeError if there is no SLURM, or it rejects them."""
        if self.executor == "slurm" and not shutil.which("sbatch"):
            raise EtudeError(
                "there is no sbatch on this machine: type this line where you submit SLURM jobs, or try "
                "it here with hydra/launcher=submitit_local"
            )
        configs = composed(self.context, self.config, job_overrides, initial_job_idx)
        tasks = [(self.context, self.task, config) for config in configs]
        # SLURM runs n_jobs of an array at a time; submitit's local executor starts all jobs at once
        size = len(tasks) if self.executor == "slurm" else self.n_jobs
        chunks = [tasks[first : first + size] for first in range(0, len(tasks), size)]
        return [returned for chunk in chunks for returned in self._launched(chunk)]

    def _launched(self, tasks: Sequence[tuple[Any, ...]]) -> list[JobReturn]:
        from submitit import AutoExecutor
        from submitit.core.utils import UncompletedJobError  # holds sbatch's message

        tries = {f"{self.executor}_max_num_timeout": self.requeues}
        executor = AutoExecutor(self.folder / "%j", self.executor, **tries)
        executor.update_parameters(**self._parameters())
        try:
            jobs = executor.map_array(Resumable(), *zip(*tasks, strict=True))
        except UncompletedJobError as error:
            raise EtudeError(f"SLURM rejected the jobs: {str(error).strip().splitlines()[-1]}") from error
        try:
            return [each if isinstance(each, JobReturn) else failed(each) for each in results(jobs)]
        except KeyboardInterrupt:
            if self.executor == "slurm":
                _say(
                    "the jobs stay in SLURM's queue without this process; the same line waits for them, "
                    f"scancel --name={self.folder.parent.name} ends them"
                )
            raise

    def _parameters(self) -> dict[str, Any]:
        """Return submitit's parameters."""
        known = {key: value for key, value in self.settings.items() if value is not None}
        known["name"] = self.folder.parent.name
        if self.executor == "slurm":
            known["array_parallelism"] = self.n_jobs
            known["additional_parameters"] = self._sbatch(known.pop("sbatch", {}))
            if "cpus_per_task" in known:  # since SLURM 22.05 a step does not inherit it
                known["srun_args"] = [f"--cpus-per-task={known['cpus_per_task']}"]
        return {key if key in SHARED else f"{self.executor}_{key}": value for key, value in known.items()}

    def _sbatch(self, own: dict[str, Any]) -> dict[str, Any]:
        """Requeue preempted jobs, and start after jobs of this sweep that are in the queue already."""
        submitted = [path.name for path in self.folder.glob("[0-9]*")]
        earlier = sorted({name.partition("_")[0] for name in still_queued(submitted) or ()}, key=int)
        if not earlier:
            return {"requeue": True, **own}
        _say(
            f"jobs of this sweep are in SLURM's queue already ({', '.join(earlier)}); the jobs that they "
            "do not finish run after them"
        )
        return {"requeue": True, "dependency": f"afterany:{':'.join(earlier)}", **own}


class Resumable:
    """Function that a job calls: the task, called again to continue after a stop."""

    def __call__(self, context: HydraContext, task: TaskFunction, config: DictConfig) -> JobReturn:
        """Run the task; after a signal, put the job back into the queue unless SLURM requeues or ends it."""
        from submitit import JobEnvironment

        try:
            return run(context, task, config)
        except Preempted as stop:
            here = JobEnvironment()
            # A job that got a warning (time limit, grace period) counts as completed when its process ends.
            # A job that was cancelled, or that SLURM requeues itself, is no longer RUNNING.
            if here.name() == "slurm" and state(here.job_id) == "RUNNING":
                signal.raise_signal(signal.SIGUSR2)  # submitit requeues the job, and exits
            _say(str(stop))
            sys.exit(os.EX_TEMPFAIL)

    def checkpoint(self, *arguments: Any) -> DelayedSubmission:
        """Return the call of the requeued job: the same, since its progress is in files."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
