"""A sweep's folder: which jobs it has, each with its frozen configuration, its log and its state.

outputs/sweeps/<name>-<hash of the frozen jobs>/
  ledger.json           the jobs, and which of them share a training; written last, never changed. A search
                        has none: search.json holds what was typed, shared.json what its trials share
  jobs/001/job.json     a FrozenJob: all that the job needs
           status.json  queued (no file), running, done, failed, preempted, interrupted or pruned; and
                        the result or the error
           trial.json   in a search: the study that wants to know how it goes, and its number there
           job.log      what the job printed, a traceback included
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

from filelock import FileLock, Timeout

from etude.config.frozen import FrozenJob
from etude.config.jobs import Outcome
from etude.errors import EtudeError
from etude.files import write_json
from etude.plain_names import check_name
from etude.runs.folder import RunFolder
from etude.runs.identity import identity
from etude.runs.request import differences
from etude.runs.status import State, by_us, is_gone, read_status, write_status
from etude.stored_files import StoredFileError, read_json

ASIDE = ("on_running", "on_mismatch", "retry")  # how to treat what is there, not what is to be made


class JobFolder:
    """One job of a sweep, as its files tell it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "job.log"

    @property
    def name(self) -> str:
        """Its number as three digits, or in a search a hash."""
        return self.path.name

    def keep(self, job: FrozenJob) -> None:
        """Write the job's frozen configuration, if it is not there already."""
        self.path.mkdir(parents=True, exist_ok=True)
        if _whole(self.path / "job.json") != json.loads(json.dumps(job.as_dict())):
            write_json(self.path / "job.json", job.as_dict())

    @cached_property
    def job(self) -> FrozenJob:
        """The frozen job; EtudeError if there is none."""
        content = _read(self.path / "job.json")
        if not content:
            raise EtudeError(f"{self.path}: no job.json; a job is outputs/sweeps/SWEEP/jobs/NUMBER")
        if content.keys() != _JobFile.__annotations__.keys():
            raise EtudeError(f"{self.path / 'job.json'} is damaged: it has other keys than a job")
        return FrozenJob.from_dict(content)

    @property
    def trial(self) -> dict[str, Any]:
        """What connects it with a search; {} if nothing does."""
        return _read(self.path / "trial.json")

    @property
    def status(self) -> dict[str, Any]:
        """What status.json holds; a job running in a process that is gone is interrupted."""
        status = {"state": State.QUEUED, **read_status(self.path)}
        if status["state"] == State.RUNNING and is_gone(status):  # on another host it is believed
            status["state"] = State.INTERRUPTED
        return status

    @property
    def is_kept(self) -> bool:
        """Whether it is done and the run that it made, or shared, is still there, and of today's code.

        A run of other code is not for a sweep to judge: asked for again, it does what ``on_mismatch`` says.
        """
        status, config = self.status, self.job.config
        result = status.get("result")
        folder = result.get("folder") if isinstance(result, dict) else None
        if status["state"] != State.DONE or folder is None or not RunFolder(Path(folder)).is_done:
            return False
        return config.get("on_mismatch") == "reuse" or not differences(RunFolder(Path(folder)), config)

    def say(self, state: State, **details: Any) -> None:
        """Write the state, with host, process and time."""
        write_status(self.path, state, **details)

    def end(self, state: State, **details: Any) -> None:
        """Write how this process ended it, unless another has begun it since: this one outlived its sweep."""
        if by_us().items() <= read_status(self.path).items():
            write_status(self.path, state, **details)

    def outcome(self) -> Outcome:
        """What came of the job; one that has not ended has an error that says so."""
        status = self.status
        error = status.get("error", "")
        if status["state"] in (State.RUNNING, State.INTERRUPTED):
            error = error or "interrupted; type the same line again to continue it"
        elif status["state"] == State.QUEUED:
            error = "not started; type the same line again to run it"
        return Outcome(self.job.overrides, status.get("result"), error, status.get("trace", ""))


class Sweep:
    """The folder of a sweep."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def ledger(self) -> dict[str, Any]:
        """The list of its jobs; {} for a search, or a folder that is no sweep."""
        return _read(self.path / "ledger.json")

    def jobs(self) -> list[JobFolder]:
        """Every job, in the order of the command line; a search's in the order they were begun."""
        if self.ledger:
            names = [name for row in self.ledger.get("trainings", []) for name in row]
            for name in names:
                check_name(name, f"{self.path / 'ledger.json'}: job")
            return [self.job(name) for name in names]
        found = [path for path in (self.path / "jobs").glob("*") if (path / "job.json").is_file()]
        return [
            JobFolder(path) for path in sorted(found, key=lambda path: (path / "job.json").stat().st_mtime)
        ]

    @property
    def command(self) -> str:
        """What was typed for it, in a search the last time; "" if that is not known."""
        return str({**_read(self.path / "search.json"), **self.ledger}.get("command", ""))

    @property
    def tracked(self) -> str:
        """Where W&B shows its runs together; "" if it does not."""
        wandb = next((job.job.config.get("logger", {}).get("wandb") for job in self.jobs()), None)
        return f"project {wandb['project']}, group {wandb['group']}" if wandb else ""

    def job(self, name: str) -> JobFolder:
        """Return one of its jobs."""
        return JobFolder(self.path / "jobs" / name)

    def outcomes(self) -> list[Outcome]:
        """What came of each job."""
        return [job.outcome() for job in self.jobs()]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the sweep for this process; EtudeError if another one runs it."""
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise EtudeError(f"another process runs this sweep: {self.path}") from None
        try:
            yield
        finally:
            lock.release()


def frozen_sweep(parent: Path, jobs: Sequence[FrozenJob], command: str, *, trains: bool) -> Sweep:
    """Return the sweep of these jobs in ``parent``, its files written; the same jobs have the same folder.

    ``trains``: jobs that differ in nothing but what happens after the training share one, and run in turn.
    """
    digest = _digest([[job.target, _counted(job)] for job in jobs])
    names = {str(job.config.get("name") or _verb(job)) for job in jobs}
    name = re.sub(r"[^\w.-]+", "-", names.pop()) if len(names) == 1 else _verb(jobs[0])
    sweep = Sweep(parent / f"{name}-{digest[:8]}")
    numbers = [f"{number:03}" for number in range(1, len(jobs) + 1)]
    for number, job in zip(numbers, jobs, strict=True):
        sweep.job(number).keep(_in_sweep(job, sweep.path.name))
    if not _read(sweep.path / "ledger.json"):
        content = {
            "command": command,
            "jobs": len(jobs),
            "trainings": _shared_trainings(numbers, jobs) if trains else [[number] for number in numbers],
        }
        write_json(sweep.path / "ledger.json", content)
    return sweep


def search_sweep(parent: Path, target: str, lines: Sequence[str], command: str) -> Sweep:
    """Return the sweep of a search in ``parent``: its jobs are not known yet, so what was typed names it.

    How many trials there shall be, and where they run, may change from one asking to the next.
    """
    named = [line for line in lines if not line.lstrip("+~").startswith(_NOT_THE_SEARCH)]
    sweep = Sweep(parent / f"{target.rpartition(':')[2]}-search-{_digest([target, *named])[:8]}")
    sweep.path.mkdir(parents=True, exist_ok=True)
    write_json(sweep.path / "search.json", {"command": command})
    return sweep


_NOT_THE_SEARCH = ("hydra.launcher.", "hydra/launcher=", "hydra.sweeper.n_trials=", "hydra.sweeper.n_jobs=")


def trial_folder(
    sweep: Sweep, job: FrozenJob, name: str = "", trial: dict[str, Any] | None = None
) -> JobFolder:
    """Return the folder of a search's job, with the job frozen in it, and what connects the two.

    ``name``: by default one that follows from the job's settings.
    """
    folder = sweep.job(name or _digest(job.config)[:8])
    if trial:
        folder.path.mkdir(parents=True, exist_ok=True)
        write_json(folder.path / "trial.json", trial)
    folder.keep(_in_sweep(job, sweep.path.name))
    return folder


def _shared_trainings(numbers: Sequence[str], jobs: Sequence[FrozenJob]) -> list[list[str]]:
    """Group the jobs whose training, and therefore run folder, is the same."""
    groups: dict[str, list[str]] = {}
    for number, job in zip(numbers, jobs, strict=True):
        place = {key: job.config.get(key) for key in ("name", "outputs_dir", "data")}
        groups.setdefault(json.dumps([identity(job.config), place], sort_keys=True), []).append(number)
    return list(groups.values())


def _in_sweep(job: FrozenJob, group: str) -> FrozenJob:
    """Show the jobs of a sweep together in W&B, and have them wait for a run that another process trains.

    That may be a job that outlived its killed sweep, and saves. What the user typed of either is kept.
    """
    config = dict(job.config)
    wandb = config.get("logger", {}).get("wandb")
    if wandb and wandb["group"] is None:
        config["logger"] = {"wandb": {**wandb, "group": group}}
    if config.get("on_running") == "stop" and "on_running=stop" not in job.overrides:
        config["on_running"] = "wait"
    return replace(job, config=config)


def _counted(job: FrozenJob) -> dict[str, Any]:
    return {key: value for key, value in job.config.items() if key not in ASIDE}


def _verb(job: FrozenJob) -> str:
    return job.target.rpartition(":")[2]


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """Return a file's content, {} if there is none; StoredFileError if it is damaged."""
    return read_json(path, _FILES[path.name])


def _whole(path: Path) -> dict[str, Any]:
    try:
        return _read(path)
    except StoredFileError:  # it is about to be written anew
        return {}


class _JobFile(TypedDict, total=False):
    target: str
    overrides: list[str]
    config: dict[str, Any]
    defaults: dict[str, Any]


class _LedgerFile(TypedDict, total=False):
    command: str
    jobs: int
    trainings: list[list[str]]


_FILES: dict[str, Any] = {
    "job.json": _JobFile,
    "ledger.json": _LedgerFile,
    "search.json": _LedgerFile,
    "trial.json": dict[str, Any],
}
