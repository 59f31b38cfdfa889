"""Creation of a sweep's folder before its first job starts: its jobs frozen, or its search described."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from etude.config.frozen import FrozenJob
from etude.config.resolved import ResolvedConfig
from etude.files import write_json
from etude.runs.identity import identity
from etude.sweeps.sweep_folder import JobFolder, Sweep

TREATMENT = ("on_running", "on_mismatch", "retry")  # how to treat existing runs: not part of a job's identity
# likewise of a search: how many trials, and where they run
_NOT_THE_SEARCH = ("hydra.launcher.", "hydra/launcher=", "hydra.sweeper.n_trials=", "hydra.sweeper.n_jobs=")


def frozen_sweep(parent: Path, jobs: Sequence[FrozenJob], command: str, *, trains: bool) -> Sweep:
    """Write the sweep of these jobs in ``parent``; the same jobs have the same folder.

    ``trains``: jobs that differ only in what happens after the training share one, and run in turn.
    """
    own = [{key: value for key, value in job.config.items() if key not in TREATMENT} for job in jobs]
    digest = _digest([[job.target, settings] for job, settings in zip(jobs, own, strict=True)])
    names = {str(job.config.get("name") or _verb(job.target)) for job in jobs}
    name = re.sub(r"[^\w.-]+", "-", names.pop()) if len(names) == 1 else _verb(jobs[0].target)
    sweep = Sweep(parent / f"{name}-{digest[:8]}")
    numbers = [f"{number:03}" for number in range(1, len(jobs) + 1)]
    for number, job in zip(numbers, jobs, strict=True):
        sweep.job(number).freeze(_in_sweep(job, sweep.path.name))
    if not (sweep.path / "ledger.json").is_file():
        content = {
            "command": command,
            "jobs": len(jobs),
            "trainings": _shared_trainings(numbers, jobs) if trains else [[number] for number in numbers],
        }
        write_json(sweep.path / "ledger.json", content)
    return sweep


def search_sweep(parent: Path, target: str, lines: Sequence[str], command: str) -> Sweep:
    """Write the sweep of a search in ``parent``, named by its command line: its jobs are not known yet."""
    named = [line for line in lines if not line.lstrip("+~").startswith(_NOT_THE_SEARCH)]
    sweep = Sweep(parent / f"{_verb(target)}-search-{_digest([target, *named])[:8]}")
    write_json(sweep.path / "search.json", {"command": command})
    return sweep


def trial_folder(
    sweep: Sweep, job: FrozenJob, name: str = "", trial: dict[str, Any] | None = None
) -> JobFolder:
    """Return the folder of a search's job, with the job frozen in it.

    ``name``: by default a hash of the job's settings. ``trial``: the arguments of its TrialWatcher.
    """
    folder = sweep.job(name or _digest(job.config.as_dict())[:8])
    if trial:
        write_json(folder.path / "trial.json", trial)
    folder.freeze(_in_sweep(job, sweep.path.name))
    return folder


def _shared_trainings(numbers: Sequence[str], jobs: Sequence[FrozenJob]) -> list[list[str]]:
    """Group the jobs whose training, and therefore run folder, is the same."""
    groups: dict[str, list[str]] = {}
    for number, job in zip(numbers, jobs, strict=True):
        place = {key: job.config.get(key) for key in ("name", "outputs_dir", "data")}
        groups.setdefault(json.dumps([identity(job.config), place], sort_keys=True), []).append(number)
    return list(groups.values())


def _in_sweep(job: FrozenJob, group: str) -> FrozenJob:
    """Group the jobs of a sweep in W&B, and have them wait for a run that another process trains.

    That process may be a job that outlived its killed sweep. Values that the user typed stay.
    """
    config = in_group(job.config, group)
    if config.get("on_running") == "stop" and "on_running=stop" not in job.overrides:
        config = config.changed(on_running="wait")
    return replace(job, config=config)


def in_group(config: ResolvedConfig, group: str) -> ResolvedConfig:
    """Return the config of a job with this group in W&B, unless it has another."""
    wandb = config.get("logger", {}).get("wandb")
    if not wandb or wandb["group"] is not None:
        return config
    return config.changed(logger={**config["logger"], "wandb": {**wandb, "group": group}})


def _verb(target: str) -> str:
    return target.rpartition(":")[2]


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
