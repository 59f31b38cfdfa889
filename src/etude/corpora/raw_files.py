"""Raw files on disk, in a fixed order, and their hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from etude.corpora.preparation import RawFile


def raw_files(paths: Sequence[Path]) -> Callable[[], Iterable[RawFile]]:
    """Return a function that yields the files in this order and reads them lazily."""
    return lambda: (RawFile(path.name, path) for path in paths)


def files_sha256(paths: Iterable[Path]) -> str:
    """Return one sha256 over names and contents, in this order; OSError if a file cannot be read."""
    whole = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(os.fsencode(path.name) + f":{content};".encode())
    return whole.hexdigest()
