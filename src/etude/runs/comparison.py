"""Comparison of two runs: settings, code and machine, results, logged metrics, weights."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from etude.runs.identity import flatten
from etude.stored_tables import TableRow, read_table

# keys of a manifest that change with every run, or are in the config
_NOT_COMPARED = ("format", "signature", "command", "started", "seed", "warnings", "attempts")


class Change(NamedTuple):
    """A key in which two runs differ; None for a run without it."""

    key: str
    first: Any
    second: Any


class MetricsDifference(NamedTuple):
    """First step (then column) in which two metrics.csv differ; None: one file has no value there."""

    step: int
    column: str
    first: float | None
    second: float | None

    @property
    def size(self) -> float:
        """Absolute difference of the two values; NaN if one is missing."""
        if self.first is None or self.second is None:
            return math.nan
        return abs(self.first - self.second)


def changes(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Change]:
    """Return the keys whose values differ, in the order of the first, then the second."""
    keys = dict.fromkeys([*first, *second])
    pairs = ((key, first.get(key), second.get(key)) for key in keys)
    return [Change(*pair) for pair in pairs if not _same(pair[1], pair[2])]


def circumstances(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return code, packages, machine and corpus of a manifest, under dotted keys.

    Uncommitted changes to the code appear as their length and a hash.
    """
    plain = {key: value for key, value in manifest.items() if key not in _NOT_COMPARED}
    own = {name: _shortened(state) for name, state in (plain.get("own_git") or {}).items()}
    return flatten({**plain, "git": _shortened(plain.get("git") or {}), "own_git": own})


def _shortened(state: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the state of a repository, with the length and a hash of long texts in their place."""
    git = dict(state)
    for key in ("diff", "untracked"):
        if text := git.get(key):
            digest = hashlib.sha256(text.encode()).hexdigest()[:8]
            git[key] = f"{len(text.splitlines())} lines ({digest})"
    return git


def metrics_difference(first: Path, second: Path) -> MetricsDifference | None:
    """Return the first difference of two metrics.csv, to the last digit; None if they are the same.

    Columns that only one of them has at all are not compared: code of another day logs other metrics.
    """
    ours, theirs = _read(first), _read(second)
    shared = [key for key in _columns(ours) if key in set(_columns(theirs))]
    for step in sorted(ours.keys() | theirs.keys()):
        for column in shared:
            pair = tuple(rows[step].number(column) if step in rows else None for rows in (ours, theirs))
            if not _same(*pair):
                return MetricsDifference(step, column, *pair)
    return None


def one_sided_columns(first: Path, second: Path) -> list[str]:
    """Return the columns that only one of two metrics.csv has."""
    return sorted(set(_columns(_read(first))) ^ set(_columns(_read(second))))


def count_steps(path: Path) -> int:
    """Return the number of steps in a metrics.csv."""
    return len(_read(path))


def weights_difference(first: Path, second: Path) -> dict[str, Any]:
    """Compare the weights of two checkpoints bit by bit, as plain values.

    ``identical``, ``tensors`` (how many), and unless identical: ``unlike`` (tensors that only one has, or
    whose shapes differ), ``largest`` (the largest absolute difference of two weights) and ``where``.
    EtudeError for a file that is no checkpoint.
    """
    import torch

    from etude.models.checkpoint import read_checkpoint

    ours, theirs = (read_checkpoint(path)["state_dict"] for path in (first, second))
    unlike = sorted(ours.keys() ^ theirs.keys())
    largest, where = 0.0, ""
    for name in [name for name in ours if name in theirs]:
        a, b = ours[name], theirs[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            unlike.append(name)
        elif a.contiguous().view(-1).view(torch.uint8).ne(b.contiguous().view(-1).view(torch.uint8)).any():
            size = float((a.double() - b.double()).abs().max())
            if not where or not size <= largest:  # NaN is as far apart as can be
                largest, where = size, name
    if not unlike and not where:
        return {"identical": True, "tensors": len(ours)}
    return {"identical": False, "tensors": len(ours), "unlike": unlike, "largest": largest, "where": where}


def _read(path: Path) -> dict[int, TableRow]:
    """Return rows by step; the end of an epoch may share a step with a training step."""
    try:
        rows = read_table(path).rows
    except FileNotFoundError:
        return {}
    return {row.whole("step"): row for row in rows}


def _columns(rows: Mapping[int, TableRow]) -> list[str]:
    filled = (key for row in rows.values() for key, text in row.cells.items() if text and key != "step")
    return list(dict.fromkeys(filled))


def _same(first: Any, second: Any) -> bool:
    """Return whether two values are equal, where 1 is not true, 0 is not -0.0 and NaN equals NaN."""
    return type(first) is type(second) and repr(first) == repr(second)
