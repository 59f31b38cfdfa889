"""Run jobs from their folders, in whatever process a launcher has started."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from etude.config.compose import plain
from etude.config.frozen import FrozenJob, acting
from etude.config.jobs import Outcome, attempt, settled
from etude.config.plugins import enable, enabled
from etude.config.resolved import ResolvedConfig
from etude.errors import Preempted
from etude.runs.status import Heartbeat, RunState, end_written
from etude.sweeps.creation import trial_folder
from etude.sweeps.study import TrialWatcher
from etude.sweeps.sweep_folder import JobFolder, Sweep
from etude.training.signals import hand_on, stop_signals


class SweepTask:
    """Task of a frozen sweep: run the jobs of one training, one after the other.

    The first job trains, the others find the training done. Relative paths start where the sweep was typed,
    wherever the launcher's processes work. Pickled with the job.
    """

    def __init__(self, sweep: Path, target: str) -> None:
        self.sweep = sweep.resolve()
        self.target = target
        self.folder = Path.cwd()
        self.enabled = enabled()

    @property
    def preload(self) -> list[str]:
        """Modules that the jobs need and that are slow to import."""
        return [__name__, self.target.partition(":")[0]]

    def __call__(self, config: DictConfig) -> None:
        """Run the jobs ``config.jobs``; skip those done before a scheduler requeued this task."""
        with self.folder_and_signals():
            for name in config.jobs:
                job = Sweep(self.sweep).job(name)
                if job.state != RunState.DONE:
                    run_job_folder(job)

    @contextmanager
    def folder_and_signals(self) -> Iterator[None]:
        """Work in the folder where the sweep was typed, and pass a signal on to the launcher's handler."""
        try:
            with chdir(self.folder):
                enable(self.enabled)  # what the user typed, before any job names it
                yield
        except Preempted as stop:
            hand_on(stop)
            raise


class SearchTask(SweepTask):
    """Task of a search: freeze the proposed job, run it, return its objective."""

    def __call__(self, config: DictConfig) -> Any:
        """Return the value to minimise: the best validation loss, or else the whole result."""
        overrides = tuple(HydraConfig.get().overrides.task)
        job = FrozenJob(self.target, overrides, ResolvedConfig(plain(settled(config))), ResolvedConfig({}))
        with self.folder_and_signals():
            outcome = run_job_folder(trial_folder(Sweep(self.sweep), job))
        if outcome.error:
            raise RuntimeError(outcome.error)
        return objective(outcome.result)


def objective(result: Any) -> Any:
    """Return the best validation loss (nats) of a training's result; any other result as it is."""
    return result["validation"]["nats"] if isinstance(result, dict) and "validation" in result else result


def run_job_folder(folder: JobFolder, *, to_log: bool = True) -> Outcome:
    """Run a job from its folder; write its output to its log, its state to its status.json.

    A job of a search reports its validation loss to the study.
    """
    job, trial = folder.job, folder.trial
    folder.write_state(RunState.RUNNING)
    started = time.monotonic()
    with end_written(folder.update), Heartbeat(lambda: folder.update(RunState.RUNNING)), ExitStack() as stack:
        stack.enter_context(stop_signals())
        stack.enter_context(acting(job))
        stack.enter_context(_called_as_job(folder))
        if trial:
            from etude.training.pruning import watched_by  # imports Lightning

            stack.enter_context(watched_by(TrialWatcher(**trial)))
        if to_log:
            stack.enter_context(redirected(folder.log))
        outcome = attempt(job.target, OmegaConf.create(job.config.as_dict()), job.overrides)
        if outcome.error:
            print(outcome.trace or f"error: {outcome.error}", file=sys.stderr)
    seconds = round(time.monotonic() - started, 3)
    if outcome.error:
        state = RunState.INTERRUPTED if outcome.can_resume else RunState.FAILED
        folder.update(state, seconds=seconds, error=outcome.error, trace=outcome.trace)
    else:
        result = outcome.result  # of a training that a search ended early it has no metrics
        is_pruned = isinstance(result, dict) and result.get("state") == RunState.PRUNED
        folder.update(RunState.PRUNED if is_pruned else RunState.DONE, seconds=seconds, result=result)
    return outcome


@contextmanager
def _called_as_job(folder: JobFolder) -> Iterator[None]:
    """Set the command line, which the manifest quotes, to the one that repeats this job alone."""
    before = sys.argv
    sys.argv = [before[0], "job", str(folder.path)]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def redirected(path: Path) -> Iterator[None]:
    """Append to a file what this process and its children print."""
    _flush()
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    with path.open("a", encoding="utf-8", buffering=1) as file:
        for stream in kept:
            os.dup2(file.fileno(), stream)
        try:
            with redirect_stdout(file), redirect_stderr(file):
                yield
        finally:
            _flush()
            for stream, copy in kept.items():
                os.dup2(copy, stream)
                os.close(copy)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
