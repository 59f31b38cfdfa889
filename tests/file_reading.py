"""Reading of a file with one of the readers, whatever its ending."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from etude.errors import ReadError
from etude.formats.base import ReadResult, file_bytes


def read_path(path: Path, read_bytes: Callable[[bytes, str], ReadResult]) -> ReadResult:
    """Read the file at ``path`` with ``read_bytes(data, name)``; a file that cannot be opened is rejected."""
    try:
        return read_bytes(file_bytes(path), str(path))
    except ReadError as error:
        return ReadResult([], [error])
