"""Cleanup: removal of runs, and leftovers: failed runs, temporary files, unused corpora."""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from etude.errors import EtudeError
from etude.runs.catalogue import Entry, entries, is_run
from etude.runs.folder import locked
from etude.stored_files import StoredFileError, read_json

REMOVING = ".removing-"  # a folder that is being removed
TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp|\.(removing|importing|exporting|making)-.+")
UNFINISHED_DAYS = 1.0  # no process writes to an older temporary file any more


@dataclass(frozen=True)
class Leftover:
    """A run, store or temporary file that may be removed, and why."""

    path: Path
    why: str
    size: int


def remove_run(run: Entry) -> None:
    """Remove a run's folder atomically; EtudeError if it is in use or no run."""
    if run.path.is_symlink() or not is_run(run.path):
        raise EtudeError(f"{run.path} is no run: nothing was removed")
    if why := in_use(run):
        raise EtudeError(f"{run.path} {why}: it was not removed")
    shutil.rmtree(_set_aside(run.path, run.path / ".lock"))


def in_use(run: Entry) -> str:
    """Return why a run must not be removed, "" if it may be."""
    return "is being trained" if run.state == "running" else ""


def size_of(path: Path) -> int:
    """Return the size in bytes of a file, or of all files below a folder; links are not followed."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    return sum(
        os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118  (10,000 files)
        for folder, _, names in os.walk(path)
        for name in names
    )


def unfinished_runs(outputs: Path, days: float) -> Iterator[Leftover]:
    """Yield the failed or interrupted runs that were not resumed for this many days."""
    for run in entries(outputs):
        # a run that came from another machine today is not old here
        age = min(run.days, _age_days(run.path))
        if run.state not in ("done", "running", "queued", "damaged", "outdated") and age >= days:
            yield Leftover(run.path, f"{run.state} {age:.0f} days ago", size_of(run.path))


def temporary_files(folder: Path) -> Iterator[Leftover]:
    """Yield the half-written files and folders of killed processes."""
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(parent) / name
            if TEMPORARY.fullmatch(name) and _age_days(path) >= UNFINISHED_DAYS:
                yield Leftover(path, "left half-written", size_of(path))
        folders[:] = [name for name in folders if not TEMPORARY.fullmatch(name)]


def unused_stores(data_dir: Path, outputs: Path, days: float) -> Iterator[Leftover]:
    """Yield the prepared corpora not used by a run below ``outputs`` and not read for this many days."""
    used = {run.value("corpus") for run in entries(outputs)}
    for folder in sorted((data_dir / "store").glob("*/")):
        try:
            fingerprint = read_json(folder / "manifest.json").get("fingerprint")
        except StoredFileError:
            continue  # it is made again at the next use
        ids = folder / "ids.npy"  # every training reads it; we do not
        if fingerprint is None or folder.name.startswith(".") or fingerprint in used or not ids.is_file():
            continue
        # the time of the last reading is not kept everywhere; that of making then decides
        read = max(ids.stat().st_atime, ids.stat().st_mtime)
        if (idle := (time.time() - read) / 86400) >= days:
            yield Leftover(folder, f"a prepared corpus not read for {idle:.0f} days", size_of(folder))


def remove(leftover: Leftover) -> None:
    """Remove one leftover; EtudeError, and no removal, if it is in use by now."""
    path = leftover.path
    if is_run(path):
        remove_run(Entry(path, path.as_posix()))
    elif not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
    elif TEMPORARY.fullmatch(path.name):
        shutil.rmtree(path)
    else:
        shutil.rmtree(_set_aside(path, Path(f"{path}.lock")))


def _set_aside(path: Path, lock: Path) -> Path:
    """Rename a folder before its removal, so that a half-removed one is never mistaken for a whole one.

    EtudeError if another process has its lock.
    """
    with locked(lock, f"{path} is being worked on by another process: it was not removed"):
        return path.rename(path.with_name(f"{REMOVING}{uuid.uuid4().hex}"))


def _age_days(path: Path) -> float:
    """Return the days since the last write to a file, or to a folder or an item directly in it."""
    inside = path.iterdir() if path.is_dir() and not path.is_symlink() else ()
    newest: float = max(each.lstat().st_mtime for each in (path, *inside))
    return (time.time() - newest) / 86400
