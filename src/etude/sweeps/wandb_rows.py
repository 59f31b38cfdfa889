"""Rows of a report from W&B: a group's offline runs below a folder, or its runs on the server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.reports.sweep_rows import SweepRow
from etude.runs.identity import identity

# W&B's config has them beside the settings
NO_SETTINGS = ("attempt", "resumed_from_step", "signature", "corpus_fingerprint", "_wandb")


@dataclass(frozen=True)
class TrackedRun:
    """One W&B run: one attempt at a training. ``losses`` are (epoch from 0, validation nats)."""

    name: str
    group: str
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    state: str
    tags: Sequence[str]
    losses: Sequence[tuple[float, float]]


def group_rows(word: str, folders: Sequence[Path]) -> list[SweepRow]:
    """Return a row for each training of a group: "GROUP" below the folders, "ENTITY/PROJECT/GROUP" online.

    EtudeError if nothing is found.
    """
    entity, _, rest = word.partition("/")
    project, _, group = rest.partition("/")
    if group:
        found = list(online(entity, project, group))
        where, others = f"in {entity}/{project}", ""
    elif rest:
        raise EtudeError(f"--wandb {word}: GROUP for offline runs, or ENTITY/PROJECT/GROUP for those online")
    else:
        known = [run for folder in folders for run in offline(folder)]
        found = [run for run in known if run.group == word]
        where = f"below {', '.join(map(str, folders))}"
        others = f"; groups there: {', '.join(sorted({run.group for run in known}))}" if known else ""
    if not found:
        raise EtudeError(f"no W&B run of the group {group or word} {where}{others}")
    return rows_of_runs(found)


def rows_of_runs(runs: Iterable[TrackedRun]) -> list[SweepRow]:
    """Return a row for each training: the state of its last attempt, the losses of all attempts."""
    trainings: dict[str, list[TrackedRun]] = {}
    for run in runs:
        trainings.setdefault(run.name, []).append(run)
    return [_row(sorted(each, key=lambda run: run.config.get("attempt", 1))) for each in trainings.values()]


def offline(folder: Path) -> Iterator[TrackedRun]:
    """Yield the offline runs below a folder, by the time they were started."""
    files = folder.glob("**/wandb/offline-run-*/run-*.wandb")
    for file in sorted(files, key=lambda file: file.parent.name):
        if run := _read(file):
            yield run


def online(entity: str, project: str, group: str) -> Iterator[TrackedRun]:
    """Yield the runs of a group on the server, by the time they were started; EtudeError if it refuses."""
    import wandb

    try:
        for run in wandb.Api().runs(f"{entity}/{project}", filters={"group": group}, order="+created_at"):
            state = "pruned" if "pruned" in run.tags else run.state
            history = run.scan_history(keys=["epoch", "val/loss"])
            losses = [(row["epoch"], row["val/loss"]) for row in history]
            yield TrackedRun(run.name, group, dict(run.config), dict(run.summary), state, run.tags, losses)
    except wandb.Error as error:  # no account, no such project, no network
        raise EtudeError(f"W&B: {error}") from None


def _row(attempts: Sequence[TrackedRun]) -> SweepRow:
    last = attempts[-1]
    known = identity(ResolvedConfig(last.config))
    settings = {
        key: value
        for key, value in known.items()
        if key.partition(".")[0] not in NO_SETTINGS and "_target_" not in key
    }
    results: dict[str, Any] = {"folder": last.name}
    losses = dict(pair for run in attempts for pair in run.losses)
    if last.state == "finished":
        for subset in ("validation", "test"):
            own = {key: value for key, value in last.summary.items() if key.startswith(f"{subset}/")}
            results[subset] = {key.partition("/")[2].replace("/", "."): value for key, value in own.items()}
        results["minutes"] = last.summary["minutes"]
    elif last.state not in ("failed", "crashed"):
        results["state"] = last.state
    error = f"{last.state}, says W&B" if last.state in ("failed", "crashed") else ""
    return SweepRow(settings, results, error, {"val/loss": sorted(losses.items())})


def _read(file: Path) -> TrackedRun | None:
    """Read an offline run with W&B's own reader; None if it was killed before it had a name."""
    from wandb.util import get_core_path  # `wandb leet inspect` without a second of Python each

    command = [get_core_path(), "leet", "inspect", "--no-observability", "--json", "--run-file", str(file)]
    done = subprocess.run([*command, str(file.parent.parent)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EtudeError(f"{file}: W&B cannot read it: {done.stderr.strip()}")
    kinds: dict[str, list[dict[str, Any]]] = {}
    for line in done.stdout.splitlines():
        record = json.loads(line)
        kinds.setdefault(record["type"], []).append(record.get(record["type"]) or {})
    if "run" not in kinds:
        return None
    run = {key: value for each in kinds["run"] for key, value in each.items()}
    config = kinds["run"][0]["config"]["update"]  # later records hold W&B's own keys
    summary = {key: value for each in kinds.get("summary", []) for key, value in each["update"].items()}
    items = [each["item"] for each in kinds.get("history", [])]
    losses = [(item["epoch"], item["val/loss"]) for item in items if "val/loss" in item]
    tags, group = run.get("tags", []), run.get("run_group", "")
    return TrackedRun(run["display_name"], group, config, summary, _state(kinds, tags), tags, losses)


def _state(kinds: Mapping[str, Sequence[Mapping[str, Any]]], tags: Sequence[str]) -> str:
    if "exit" not in kinds:
        return "without an end"  # killed, or still running
    if "pruned" in tags:
        return "pruned"
    if kinds["exit"][-1].get("exit_code", 0):
        return "preempted" if "preempting" in kinds else "failed"
    return "finished"
