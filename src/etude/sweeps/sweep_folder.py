"""A sweep's folder: its jobs, each with its frozen configuration, its log and its state.

outputs/sweeps/<name>-<hash of the frozen jobs>/
  ledger.json           the jobs, and which of them share a training; written last, never changed. A search
                        has search.json (what was typed) and shared.json (what its trials share) instead
  jobs/001/job.json     a FrozenJob: everything that the job needs
           status.json  its state (no file: queued), and its result or error
           trial.json   in a search: its study, and its number there
           job.log      what the job printed, a traceback included
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

from etude.config.frozen import FrozenJob
from etude.config.jobs import Outcome
from etude.errors import EtudeError
from etude.files import write_json
from etude.plain_names import check_name
from etude.runs.folder import RunFolder, locked
from etude.runs.request import differences
from etude.runs.status import RunState, by_us, condition, read_status, write_status
from etude.stored_files import StoredFileError, check_values, read_json


class JobFile(TypedDict, total=False):
    """Content of job.json."""

    target: str
    overrides: list[str]
    config: dict[str, Any]
    defaults: dict[str, Any]


class SweepFile(TypedDict, total=False):
    """Content of ledger.json, and of search.json, which has the command alone."""

    command: str
    jobs: int
    trainings: list[list[str]]


class JobFolder:
    """One job of a sweep: ``name`` is its number as three digits, or in a search without one a hash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.log = path / "job.log"

    def freeze(self, job: FrozenJob) -> None:
        """Write the job's frozen configuration, unless it is there already."""
        try:
            before = read_json(self.path / "job.json", JobFile)
        except StoredFileError:  # damaged: written anew
            before = {}
        if before != json.loads(json.dumps(job.as_dict())):
            write_json(self.path / "job.json", job.as_dict())

    @cached_property
    def job(self) -> FrozenJob:
        """The frozen job; EtudeError if there is none."""
        content = read_json(self.path / "job.json", JobFile)
        if not content:
            raise EtudeError(f"{self.path}: no job.json; a job is outputs/sweeps/SWEEP/jobs/NUMBER")
        if content.keys() != JobFile.__annotations__.keys():
            raise EtudeError(f"{self.path / 'job.json'} is damaged: it has other keys than a job")
        check_values(content["config"], str(self.path / "job.json"))
        return FrozenJob.from_dict(content)

    @property
    def trial(self) -> dict[str, Any]:
        """Arguments of the search's TrialWatcher; {} outside a search."""
        return read_json(self.path / "trial.json")

    @property
    def status(self) -> dict[str, Any]:
        """The content of status.json; a running job is interrupted if its process is gone."""
        status = {"state": RunState.QUEUED, **read_status(self.path)}
        return {**status, "state": condition(status)}

    @property
    def state(self) -> str:
        """The state of the job."""
        return str(self.status["state"])

    @property
    def is_complete(self) -> bool:
        """Whether the job is done and its run still exists, trained by today's code.

        With ``on_mismatch=reuse`` a run of other code will do; otherwise the job itself decides about it.
        """
        config, result = self.job.config, self.status.get("result")
        folder = result.get("folder") if isinstance(result, dict) else None
        if self.state != RunState.DONE or folder is None:
            return False
        run = RunFolder(Path(folder))
        return run.is_done and (config.get("on_mismatch") == "reuse" or not differences(run, config))

    def write_state(self, state: RunState, **details: Any) -> None:
        """Write the state, with host, process and time."""
        write_status(self.path, state, **details)

    def update(self, state: RunState, **details: Any) -> None:
        """Write the state of the job that this process runs, unless another has started it since."""
        if by_us().items() <= read_status(self.path).items():
            write_status(self.path, state, **details)

    def outcome(self) -> Outcome:
        """Return the job's result or error; for an unfinished job, an error naming its state."""
        status = self.status
        error = status.get("error", "")
        if status["state"] in (RunState.RUNNING, RunState.INTERRUPTED):
            error = error or "interrupted; type the same line again to continue it"
        elif status["state"] == RunState.QUEUED:
            error = "not started; type the same line again to run it"
        return Outcome(self.job.overrides, status.get("result"), error, status.get("trace", ""))


class Sweep:
    """The folder of a sweep."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def ledger(self) -> dict[str, Any]:
        """The list of its jobs; {} for a search, or a folder that is no sweep."""
        return read_json(self.path / "ledger.json", SweepFile)

    def jobs(self) -> list[JobFolder]:
        """Return every job, in the order of the command line; in a search by the time they were frozen."""
        if self.ledger:
            names = [name for row in self.ledger.get("trainings", []) for name in row]
            for name in names:
                check_name(name, f"{self.path / 'ledger.json'}: job")
            return [self.job(name) for name in names]
        found = [path for path in (self.path / "jobs").glob("*") if (path / "job.json").is_file()]
        return [
            JobFolder(path) for path in sorted(found, key=lambda path: (path / "job.json").stat().st_mtime)
        ]

    def job(self, name: str) -> JobFolder:
        """Return one of its jobs."""
        return JobFolder(self.path / "jobs" / name)

    @property
    def command(self) -> str:
        """The command line, of a search the last one; "" if it is not known."""
        return str({**read_json(self.path / "search.json", SweepFile), **self.ledger}.get("command", ""))

    @property
    def tracked(self) -> str:
        """W&B's project and group of its runs; "" without W&B."""
        wandb = next((job.job.config.get("logger", {}).get("wandb") for job in self.jobs()), None)
        return f"project {wandb['project']}, group {wandb['group']}" if wandb else ""

    def held(self) -> AbstractContextManager[object]:
        """Lock the sweep for this process; EtudeError if another process runs it."""
        return locked(self.path / ".lock", f"another process runs this sweep: {self.path}")
