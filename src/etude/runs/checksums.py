"""Checksums of a finished run: find damaged files before they are shown, exported or repeated."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypedDict

from etude.errors import EtudeError
from etude.files import write_json
from etude.stored_files import read_json

NAME = "checksums.json"
# what a comparison or a rerun reads; of the samples a user may throw some away
ESSENTIAL = (
    "config.yaml", "manifest.json", "results.json", "metrics.csv",
    "checkpoints/best.ckpt", "checkpoints/last.ckpt",
)  # fmt: skip
# files that change after the end, or belong to a tracker
_LEFT_OUT = (NAME, "status.json", "train.log", "rerun.json", "evaluation.json", "report.html")
_FOLDERS_LEFT_OUT = ("wandb", "tensorboard")


class FileChecksum(TypedDict):
    """Size and checksum of a file."""

    size: int
    sha256: str


class ChecksumsFile(TypedDict, total=False):
    """Content of checksums.json."""

    files: dict[str, FileChecksum]


def write_checksums(folder: Path) -> None:
    """Store size and sha256 of each file of a run that has just ended."""
    names = [name for name in plain_files(folder, _FOLDERS_LEFT_OUT) if name not in _LEFT_OUT]
    files = {name: checksum(folder / name) for name in sorted(names)}
    write_json(folder / NAME, {"files": files})


def damage(folder: Path, names: Collection[str] | None = None) -> list[str]:
    """Return a sentence for each file that changed since the run was done.

    ``names``: of these files alone. Empty for a run without checksums, and for a file that has none.
    """
    known = read_json(folder / NAME, ChecksumsFile).get("files", {})
    found = []
    for name, was in known.items():
        if names is not None and name not in names:
            continue
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            found.append(f"{folder / NAME} names a file outside the run: {name!r}")
        elif not path.is_file():
            found.append(f"{path} is missing")
        elif path.stat().st_size != was["size"] or checksum(path) != was:
            found.append(f"{path} is damaged: it is not as it was when the run was done")
    return found


def check_whole(folder: Path, names: Collection[str] = ESSENTIAL) -> None:
    """Raise EtudeError if one of these files changed since the run was done."""
    if found := damage(folder, names):
        raise EtudeError("\n".join([*found, f"etude verify {folder} checks every file of the run."]))


def count_known(folder: Path) -> int:
    """Return how many files of a run have checksums."""
    return len(read_json(folder / NAME, ChecksumsFile).get("files", {}))


def checksum(path: Path) -> FileChecksum:
    """Return size and sha256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"size": path.stat().st_size, "sha256": digest}


def plain_files(folder: Path, left_out: Collection[str] = ()) -> Iterator[str]:
    """Yield the names of a run's files, in order, without hidden ones and links.

    ``left_out``: the names of folders directly in the run's.
    """
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        unseen = left_out if here == folder else ()
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in unseen)
        for name in sorted(names):
            path = here / name
            if not name.startswith(".") and stat.S_ISREG(path.lstat().st_mode):
                yield path.relative_to(folder).as_posix()
