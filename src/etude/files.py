"""Atomic writes."""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any


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


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain values as JSON, whole or not at all, infinite ones as null; make the folder if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_without_infinity(content), indent=2, ensure_ascii=False, allow_nan=False)
    atomic_write(path, (text + "\n").encode())


def _without_infinity(content: Any) -> Any:
    """Return plain values with null for numbers that JSON cannot say."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {key: _without_infinity(value) for key, value in content.items()}
    return [_without_infinity(each) for each in content] if isinstance(content, list | tuple) else content
