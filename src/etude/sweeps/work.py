"""What a worker does, whichever engine started it: run jobs from their folders."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from etude.config.compose import plain
from etude.config.frozen import FrozenJob, acting
from etude.config.jobs import Outcome, attempt, settled
from etude.errors import Preempted
from etude.runs.status import State, end_written
from etude.sweeps.ledger import JobFolder, Sweep, trial_folder
from etude.training.signals import hand_on, stop_signals

if TYPE_CHECKING:
    from etude.training.pruning import Watcher


class SweepTask:
    """The task of a frozen sweep: runs the jobs that the launcher's configuration names, one after the other.

    They share a training: the first trains, the others find it done. Paths in their settings mean what they
    meant where the sweep was typed, wherever an engine has its processes.
    """

    def __init__(self, sweep: Path, target: str) -> None:
        self.sweep = sweep.resolve()
        self.target = target
        self.folder = Path.cwd()

    @property
    def preload(self) -> list[str]:
        """The modules that its processes need, and are slow to import."""
        return [__name__, self.target.partition(":")[0]]

    def __call__(self, config: DictConfig) -> None:
        """Run the jobs ``config.jobs``, but for those done before a scheduler started this anew."""
        with self.at_home():
            for name in config.jobs:
                job = Sweep(self.sweep).job(name)
                if job.status["state"] != State.DONE:
                    run_job_folder(job)

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Work in the folder where the sweep was typed; an engine that hears signals gets them after us."""
        try:
            with chdir(self.folder):
                yield
        except Preempted as stop:
            hand_on(stop)
            raise


class SearchTask(SweepTask):
    """The task of a search: freezes each job that the search thinks of, runs it, returns its objective."""

    def __call__(self, config: DictConfig) -> Any:
        """Return what the search is to make small: the best validation loss, or else the whole result."""
        overrides = tuple(HydraConfig.get().overrides.task)
        job = FrozenJob(self.target, overrides, plain(settled(config)), defaults={})
        with self.at_home():
            outcome = run_job_folder(trial_folder(Sweep(self.sweep), job))
        if outcome.error:
            raise RuntimeError(outcome.error)
        return objective(outcome.result)


def objective(result: Any) -> Any:
    """Return the best validation loss (nats) of a training's result, not the last epoch's."""
    return result["validation"]["nats"] if isinstance(result, dict) and "validation" in result else result


def is_pruned(result: Any) -> bool:
    """Whether a result is that of a training that a search has ended early, which has no figures."""
    return isinstance(result, dict) and result.get("state") == State.PRUNED


def run_job_folder(folder: JobFolder, *, to_log: bool = True) -> Outcome:
    """Run a job from its folder, its output in its log, its state in its status.json.

    The job of a search tells the search how it goes.
    """
    job, trial = folder.job, folder.trial
    folder.say(State.RUNNING)
    started = time.monotonic()
    with end_written(folder.end), ExitStack() as stack:
        stack.enter_context(stop_signals())
        stack.enter_context(acting(job))
        stack.enter_context(_called_as_job(folder))
        if trial:
            from etude.training.pruning import watched_by  # imports Lightning

            stack.enter_context(watched_by(_watcher(trial)))
        if to_log:
            stack.enter_context(redirected(folder.log))
        outcome = attempt(job.target, OmegaConf.create(job.config), job.overrides)
        if outcome.error:
            print(outcome.trace or f"error: {outcome.error}", file=sys.stderr)
    seconds = round(time.monotonic() - started, 3)
    if outcome.error:
        folder.end(State.FAILED, seconds=seconds, error=outcome.error, trace=outcome.trace)
    else:
        folder.end(
            State.PRUNED if is_pruned(outcome.result) else State.DONE, seconds=seconds, result=outcome.result
        )
    return outcome


def _watcher(trial: dict[str, Any]) -> Watcher:
    from etude.sweeps.search import TrialWatcher  # slow to import, and there only if searches are wanted

    return TrialWatcher(**trial)


@contextmanager
def _called_as_job(folder: JobFolder) -> Iterator[None]:
    """Let the command line be that of the job alone, which is what repeats it."""
    before = sys.argv
    sys.argv = [before[0], "job", str(folder.path)]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def redirected(path: Path) -> Iterator[None]:
    """Send what this process and its children print to the end of a file."""
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
