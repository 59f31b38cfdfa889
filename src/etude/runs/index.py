"""Index of the runs below a folder: the content of their small files, as it was read last.

The file ``.runs-index`` has a heading with a checksum and a line for each run: its name, a stamp (times,
sizes and inodes of its files), its summary and its config. The runs decide: one whose stamp differs is read
again. A damaged index counts as empty, and where it cannot be written every run is read each time.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple, TypedDict, cast

from etude.config.resolved import ResolvedConfig
from etude.files import atomic_write
from etude.runs.folder import RunFolder
from etude.runs.identity import FORMAT, flatten
from etude.runs.status import State
from etude.stored_files import StoredFileError

NAME = ".runs-index"
MAX_CONTAINERS = 500  # lists and objects in a field
SETTLED = 2 * 10**9  # ns: a file that changed later than this before it was read may change within its stamp
_LISTED = ("status.json", "manifest.json", "results.json")  # what a listing shows is in them
_WATCHED = (
    *_LISTED,
    "config.yaml",
    "checkpoints/best.ckpt",
    "job.json",
)


class Summary(TypedDict):
    """What lists and filters of runs use of a run's files."""

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


class Row(NamedTuple):
    """A run's line of the index; ``stamp`` is empty for a run whose files changed just now."""

    stamp: str
    summary: bytes
    config: bytes


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
    done = status.get("state") == State.DONE
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


def summary_of(row: Row) -> Summary | None:
    """Return the summary in a row; None if it is none."""
    found = plain_object(row.summary)
    fits = found is not None and all(isinstance(found.get(key), kinds) for key, kinds in _KINDS.items())
    return cast(Summary, found) if fits else None


def row_of(stamp: str, summary: Summary, config: ResolvedConfig) -> Row:
    """Return the row of a run."""
    fields = (summary, config.as_dict())
    return Row(stamp, *(json.dumps(each, separators=(",", ":")).encode() for each in fields))


def read_index(folder: Path) -> dict[str, Row]:
    """Return the rows of a folder's index by the runs' names; {} if there is none, or it is damaged."""
    try:
        heading, _, body = (folder / NAME).read_bytes().partition(b"\n")
    except OSError:
        return {}
    fields = [line.split(b"\t") for line in body.split(b"\n")[:-1]]
    if heading != _heading(body) or any(len(each) != 4 for each in fields):
        return {}
    return {os.fsdecode(name): Row(stamp.decode("latin-1"), *rest) for name, stamp, *rest in fields}


def write_index(folder: Path, rows: Mapping[str, Row]) -> None:
    """Write a folder's index, if its disk can be written to, without runs that changed just now."""
    lines = [
        b"\t".join((os.fsencode(name), row.stamp.encode(), row.summary, row.config)) + b"\n"
        for name, row in rows.items()
        if row.stamp and "\t" not in name and "\n" not in name
    ]
    body = b"".join(lines)
    with suppress(OSError):
        atomic_write(folder / NAME, _heading(body) + b"\n" + body)


def _heading(body: bytes) -> bytes:
    """Return the first line of an index: the format of its rows, and the checksum of them all."""
    return f"runs {FORMAT} {','.join(Summary.__annotations__)} {zlib.crc32(body)}".encode()
