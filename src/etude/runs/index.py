"""Index of the runs below a folder: the content of their small files, as it was read last.

The file ``.runs-index`` has a heading with checksums, a line for each run (its name, a stamp of times, sizes
and inodes of its files, when its state changed, its summary, the length of its config), then all configs,
which are most of the file and read when the first is needed. The runs decide: one whose stamp differs is
read again. A damaged index counts as empty, and where it cannot be written every run is read each time.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple, TypedDict, cast

from etude.config.resolved import ResolvedConfig
from etude.files import atomic_write
from etude.runs.folder import RunFolder
from etude.runs.identity import FORMAT, flatten
from etude.runs.status import RunState
from etude.stored_files import StoredFileError

NAME = ".runs-index"
MAX_CONTAINERS = 500  # lists and objects in a field
SETTLED = 2 * 10**9  # ns: a file that changed later than this before it was read may change within its stamp
_LISTED = ("status.json", "manifest.json", "results.json")  # what a listing shows is in them
_WATCHED = (*_LISTED, "config.yaml", "checkpoints/best.ckpt", "job.json")


class Summary(TypedDict):
    """Summary of a run's files, for lists and filters."""

    status: dict[str, Any]
    metrics: dict[str, Any]  # test/…, val/… and minutes
    signature: str | None
    started: str | None
    commit: str | None
    corpus: str | None
    complete: bool  # done, with results and the best checkpoint
    outdated: bool
    problems: list[str]  # a sentence for each damaged file


_TEXT = (str, NoneType)
_KINDS: dict[str, Any] = {
    "status": dict, "metrics": dict, "signature": _TEXT, "started": _TEXT, "commit": _TEXT, "corpus": _TEXT,
    "complete": bool, "outdated": bool, "problems": list,
}  # fmt: skip


class IndexRow(NamedTuple):
    """A run in the index; ``stamp`` is empty for a run whose files changed just now.

    ``changed`` is the time in its status. ``config`` returns its config, b"" if the index is damaged.
    """

    stamp: str
    changed: str
    summary: bytes
    config: Callable[[], bytes]


def read_files(path: Path) -> tuple[Summary, ResolvedConfig]:
    """Return the summary and the config of a run; a damaged file counts as empty and is a problem."""
    run, problems = RunFolder(path), []

    def content(read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return read()
        except StoredFileError as error:
            problems.append(str(error))
        except OSError:
            pass
        return {}

    settings = content(lambda: run.read_config().as_dict())
    status, manifest, results = (content(partial(run.read_json, name)) for name in _LISTED)
    done = status.get("state") == RunState.DONE
    summary = Summary(
        status=status,
        metrics=_metrics(results),
        signature=manifest.get("signature"),
        started=manifest.get("started"),
        commit=(manifest.get("git") or {}).get("commit"),
        corpus=(manifest.get("corpus") or {}).get("fingerprint"),
        complete=done and bool(results) and (run.checkpoints / "best.ckpt").is_file(),
        outdated=bool(manifest) and manifest.get("format", 1) != FORMAT,
        problems=problems,
    )
    return summary, ResolvedConfig(settings)


def _metrics(results: dict[str, Any]) -> dict[str, Any]:
    named = {"test": results.get("test"), "val": results.get("validation")}
    found = {
        f"{stage}/{key.replace('.', '/')}": value
        for stage, metrics in named.items()
        if isinstance(metrics, dict)
        for key, value in flatten(metrics).items()
    }
    return {**found, "minutes": results.get("minutes")} if results else {}


def stamp(path: str) -> str:
    """Return times, sizes and inodes of a run's files as text; empty if one of them changed just now."""
    parts, settled = [], time.time_ns() - SETTLED
    for name in _WATCHED:
        try:
            found = os.stat(f"{path}/{name}")  # noqa: PTH116  (five for each of 10,000 runs)
        except OSError:
            parts.append("-")
            continue
        if found.st_mtime_ns > settled or found.st_ctime_ns > settled:
            return ""
        parts.append(f"{found.st_mtime_ns}.{found.st_ctime_ns}.{found.st_size}.{found.st_ino}")
    return " ".join(parts)


def plain_object(data: bytes) -> dict[str, Any] | None:
    """Return the object in a field of a row; None if it is no plain one, as this version writes it."""
    if data.count(b"{") + data.count(b"[") > MAX_CONTAINERS:  # so neither is it deep
        return None
    try:
        found = json.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def changed_at(summary: Summary) -> str:
    """Return the time in a status, "" if there is none."""
    return str(summary["status"].get("time", ""))


def summary_of(row: IndexRow) -> Summary | None:
    """Return the summary in a row; None if it is none."""
    found = plain_object(row.summary)
    fits = found is not None and all(isinstance(found.get(key), kinds) for key, kinds in _KINDS.items())
    return cast(Summary, found) if fits else None


def row_of(stamp: str, summary: Summary, config: ResolvedConfig) -> IndexRow:
    """Return the row of a run."""
    fields = (json.dumps(each, separators=(",", ":")).encode() for each in (summary, config.as_dict()))
    return IndexRow(stamp, changed_at(summary), next(fields), partial(bytes, next(fields)))


class _Configs:
    """The configs in an index, read once one of them is needed; none if the file is damaged or another."""

    def __init__(self, path: Path, heading: bytes, start: int) -> None:
        self._path, self._heading, self._start = path, heading, start

    def part(self, start: int, end: int) -> bytes:
        """Return some of their bytes."""
        return self._content[start:end]

    @cached_property
    def _content(self) -> bytes:
        with suppress(OSError), self._path.open("rb") as file:
            if file.readline() == self._heading:
                file.seek(self._start)
                content = file.read()
                return content if _checksum(content) == self._heading.split()[-1] else b""
        return b""


def read_index(folder: Path) -> dict[str, IndexRow]:
    """Return the rows of a folder's index by the runs' names; {} if there is none, or it is damaged."""
    try:
        with (folder / NAME).open("rb") as file:
            heading = file.readline()
            lines = file.read(min(_length(heading), os.fstat(file.fileno()).st_size))
    except OSError:
        return {}
    fields = [line.split(b"\t") for line in lines.split(b"\n")[:-1]]
    if heading.split(b" ")[:-1] != _heading(lines) or any(len(each) != 5 for each in fields):
        return {}
    configs, place, rows = _Configs(folder / NAME, heading, len(heading) + len(lines)), 0, {}
    for name, stamp, changed, summary, size in fields:
        end = place + int(size)
        known = partial(configs.part, place, end)
        rows[os.fsdecode(name)] = IndexRow(stamp.decode("latin-1"), changed.decode("latin-1"), summary, known)
        place = end
    return rows


def write_index(folder: Path, rows: Mapping[str, IndexRow]) -> None:
    """Write a folder's index, if its disk can be written to, without runs that changed just now."""
    lines, configs = [], []
    for name, row in rows.items():
        plain = "\t" not in name and "\n" not in name and row.changed.isascii() and row.changed.isprintable()
        if row.stamp and plain:
            configs.append(row.config())
            fields = (os.fsencode(name), row.stamp.encode(), row.changed.encode(), row.summary)
            lines.append(b"\t".join((*fields, b"%d\n" % len(configs[-1]))))
    content, held = b"".join(lines), b"".join(configs)
    heading = b" ".join((*_heading(content), _checksum(held))) + b"\n"
    with suppress(OSError):
        atomic_write(folder / NAME, heading + content + held)


def _heading(lines: bytes) -> list[bytes]:
    """Return the words of an index's first line, but for the last, the checksum of the configs.

    They are the format of its rows, and their length and checksum.
    """
    names = ",".join(Summary.__annotations__).encode()
    return [b"runs", b"%d" % FORMAT, names, b"%d" % len(lines), _checksum(lines)]


def _length(heading: bytes) -> int:
    """Return the length of the rows in a heading; 0 if it has none."""
    words = heading.split(b" ")
    return int(words[3]) if len(words) == 6 and words[3].isdigit() else 0


def _checksum(data: bytes) -> bytes:
    return b"%d" % zlib.crc32(data)
