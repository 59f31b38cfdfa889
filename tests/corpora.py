"""Where the tests find the published corpora, byte for byte as they were published."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MIRROR = "ETUDE_DATA_MIRROR"
BESIDE_THE_CHECKOUT = Path(__file__).parents[2] / "shared" / "data"


def published(name: str) -> Path:
    """Return the path of a published file; skips the test where there is none."""
    folder = Path(os.environ.get(MIRROR) or BESIDE_THE_CHECKOUT)
    if not (folder / name).is_file():
        pytest.skip(f"{name} is not in {folder}: set {MIRROR} to a folder that has it")
    return folder / name
