"""Catalogue of the runs below a folder, found by a part of their name; no slow imports."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from etude.config.problems import did_you_mean
from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.runs.folder import RunFolder
from etude.runs.identity import flatten, identity, leaf
from etude.runs.index import (
    IndexRow,
    Summary,
    changed_at,
    plain_object,
    read_files,
    read_index,
    row_of,
    stamp,
    summary_of,
    write_index,
)
from etude.runs.status import RunState, condition, read_status
from etude.stored_files import StoredFileError

LATEST = "latest"  # in place of a name
COLUMNS = ("state", "folder", "days", "minutes", "started", "commit", "corpus", "signature")


@dataclass(frozen=True)
class Entry:
    """A run in the catalogue; ``name`` is its folder below outputs. Its files are read at first use.

    ``row`` is its line of the index, used if the files are still the same.
    """

    path: Path
    name: str
    row: IndexRow | None = field(default=None, compare=False, repr=False)

    @cached_property
    def stamp(self) -> str:
        """Stamp of the run's files, taken before they are read."""
        return stamp(str(self.path))

    @cached_property
    def is_indexed(self) -> bool:
        """Whether the index has the run as it is."""
        return self.row is not None and self.row.stamp == self.stamp

    @cached_property
    def _files(self) -> tuple[Summary, ResolvedConfig]:
        return read_files(self.path)

    @cached_property
    def summary(self) -> Summary:
        """Summary of the run's files for lists, from the index if that has it."""
        known = summary_of(self.row) if self.row and self.is_indexed else None
        return known or self._files[0]

    @cached_property
    def config(self) -> ResolvedConfig:
        """The resolved config; empty if it is missing or damaged."""
        known = plain_object(self.row.config()) if self.row and self.is_indexed else None
        return self._files[1] if known is None else ResolvedConfig(known)

    def as_row(self) -> IndexRow:
        """Return the run's line of the index as it should be."""
        return self.row if self.row and self.is_indexed else row_of(self.stamp, *self._files)

    @property
    def metrics(self) -> dict[str, Any]:
        """Metrics in results.json, of the latest finished attempt: test/…, val/… and minutes."""
        return self.summary["metrics"]

    @cached_property
    def state(self) -> str:
        """State of the run, as far as this machine can tell.

        "damaged" if a file cannot be read, "outdated" if an earlier version of Étude made the run.
        """
        if self.problems:
            return "damaged"
        state = condition(self.summary["status"])
        if state == RunState.DONE and not self.summary["complete"]:
            state = RunState.INTERRUPTED
        return "outdated" if self.summary["outdated"] and state != RunState.RUNNING else state

    @property
    def problems(self) -> list[str]:
        """One sentence for each damaged file of the run."""
        return self.summary["problems"]

    def check_readable(self) -> None:
        """Raise EtudeError if a file of the run is damaged, or an earlier version of Étude made the run."""
        if self.problems:
            raise EtudeError("\n".join(self.problems))
        RunFolder(self.path).check_format()

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Content of manifest.json; empty if it is missing or damaged."""
        try:
            return RunFolder(self.path).read_json("manifest.json")
        except (OSError, StoredFileError):
            return {}

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The config under dotted keys."""
        return flatten(self.config)

    def changed(self) -> tuple[str, float]:
        """Return the time of the last change of state, then that of its file, to the second and finer."""
        try:
            written = (self.path / "status.json").stat().st_mtime
        except OSError:
            written = 0.0
        return self._changed_at, written

    @property
    def _changed_at(self) -> str:
        return self.row.changed if self.row and self.is_indexed else changed_at(self.summary)

    @property
    def days(self) -> float:
        """Days since the last change of state, on any machine; 0 if unknown."""
        try:
            since = datetime.fromisoformat(self._changed_at).timestamp()
        except ValueError:
            return 0.0
        return max(0.0, (time.time() - since) / 86400)

    def keys(self) -> Iterator[str]:
        """Yield the keys that :meth:`value` knows for this run."""
        yield from COLUMNS
        yield from self.metrics
        for key in self.settings:
            yield key
            if key.endswith(".name"):
                yield key.removesuffix(".name")

    def value(self, key: str) -> Any:
        """Return a setting (``model.hidden_dim``; ``model`` for its name) or a metric (``test/nats``).

        None if the run has none of that name.
        """
        if key in COLUMNS:
            return self._column(key)
        if key in self.metrics:
            return self.metrics[key]
        value = leaf(self.config, key)
        return leaf(self.config, f"{key}.name") if value is None else value

    def _column(self, key: str) -> Any:
        if key == "folder":
            return self.name
        if key == "minutes":
            return self.metrics.get("minutes")
        return getattr(self, key) if key in ("state", "days") else self.summary.get(key)


def is_run(path: Path) -> bool:
    """Return whether a folder is a run: its status.json has a state, and it is no job of a sweep."""
    if (path / "job.json").exists():
        return False
    try:
        return "state" in read_status(path)
    except StoredFileError:
        return (path / "config.yaml").is_file()
    except OSError:
        return False


def entries(outputs: Path, indexed: Path | None = None) -> list[Entry]:
    """Return every run below a folder, in the order of their names.

    ``indexed`` is a folder above, the index of which is used if there is one.
    """
    rows = read_index(outputs)
    if not rows and indexed is not None and outputs.is_relative_to(indexed):
        above = f"{outputs.relative_to(indexed).as_posix()}/"
        rows = {name.removeprefix(above): row for name, row in read_index(indexed).items()
                if name.startswith(above)}  # fmt: skip
    return sorted(_runs_below(str(outputs), "", rows), key=lambda run: run.name.split("/"))


def _runs_below(folder: str, above: str, rows: Mapping[str, IndexRow]) -> Iterator[Entry]:
    """Yield the runs in a folder whose name below outputs is ``above``."""
    try:
        found = list(os.scandir(folder))
    except OSError:
        return
    for item in found:
        if item.name.startswith(".") or not item.is_dir(follow_symlinks=False):
            continue
        run = Entry(Path(item.path), f"{above}{item.name}", rows.get(f"{above}{item.name}"))
        # a run holds no other runs
        if run.is_indexed or is_run(run.path):
            yield run
        elif not os.path.exists(f"{item.path}/ledger.json"):  # noqa: PTH110  (as fast as it can be)
            yield from _runs_below(item.path, f"{run.name}/", rows)


def remember(outputs: Path, known: Sequence[Entry]) -> None:
    """Write the index of all runs below a folder, once more than one in twenty has changed."""
    if 20 * sum(not run.is_indexed for run in known) > len(known):
        write_index(outputs, {run.name: run.as_row() for run in known})


def find(outputs: Path, word: str) -> Entry:
    """Return the run with this path, name, beginning of a name, or beginning of a hash.

    "latest" is the run whose state changed last. EtudeError if no run is meant, or several.
    """
    path = Path(word)
    if path.is_dir() and is_run(path):
        inside = path.resolve().is_relative_to(outputs.resolve())
        return Entry(
            path, path.resolve().relative_to(outputs.resolve()).as_posix() if inside else path.as_posix()
        )
    if path.is_dir() and path.resolve().is_relative_to(outputs.resolve()):
        raise EtudeError(f"{word} is no run: it has no status.json with a state")
    known = entries(outputs)
    if word == LATEST and known:
        return max(known, key=Entry.changed)
    wanted = word.rstrip("/")
    exact = [each for each in known if wanted in (each.name, each.path.name)]
    meant = exact or [each for each in known if _begins(each, wanted)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        names = [each.name for each in meant]
        shown = [f"  {name}" for name in names[:8]] + [f"  … and {len(names) - 8} more"] * (len(names) > 8)
        raise EtudeError("\n".join([f"{word} may mean any of {len(names)} runs; type more of one:", *shown]))
    near = did_you_mean(wanted, [name for each in known for name in (each.name, each.path.name)])
    raise EtudeError(f"there is no run {word} below {outputs}{near or '; etude runs lists them'}")


def _begins(entry: Entry, word: str) -> bool:
    """Return whether a run matches ``[FOLDER/]START``: its name or hash begins with START."""
    folder, _, start = word.rpartition("/")
    name = entry.path.name
    below = folder in ("", entry.name.rpartition("/")[0], str(entry.path.parent))
    return below and bool(start) and (name.startswith(start) or name.rpartition("_")[2].startswith(start))


def set_apart(shown: Iterable[Entry]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the settings in which each run differs, and the values of them that most runs share.

    Only settings count that decide the weights; one that most runs share is given for the others alone.
    """
    settings = [identity(each.config) for each in shown]
    keys = dict.fromkeys(key for each in settings for key in each if not key.endswith("_target_"))
    own: list[dict[str, Any]] = [{} for _ in settings]
    usual: dict[str, Any] = {}
    for key in keys:
        texts = [str(each[key]) if key in each else None for each in settings]
        if len(set(texts)) < 2:
            continue
        [commonest] = [text for text in set(texts) if 2 * texts.count(text) > len(texts)] or [None]
        for place, (each, text) in enumerate(zip(settings, texts, strict=True)):
            if text is not None and text != commonest:
                own[place][key] = each[key]
            elif text is not None:
                usual[key] = each[key]
    return own, usual
