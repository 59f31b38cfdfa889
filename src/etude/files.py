"""Files that are never half-written."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def atomic_write(path: Path, data: bytes | memoryview) -> None:
    """Write a file so that a reader, or a crash, meets the old content or the new, never a part of it.

    The folder must exist. The data goes to a temporary file beside it, to the disk, and then takes its name.
    """
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
