"""Curves of a training, drawn once for all trainings with the same columns: they take a quarter of a second.

tests/reports, which tests the pictures, draws all of them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from etude.commands import train
from etude.evaluation.baselines import Baseline
from etude.files import atomic_write
from etude.reports.curves import Metrics, draw_curves


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures for each kind of training, which forked processes fill and use too."""
    return tmp_path_factory.mktemp("drawings")


@pytest.fixture(scope="module", autouse=True)
def drawn_curves(drawings: Path) -> Iterator[None]:
    """Draw the curves of the first training of a kind; copy them for the others."""

    def draw_once(metrics: Metrics, folder: Path, baselines: Sequence[Baseline] = ()) -> list[Path]:
        known = drawings / hashlib.sha256(" ".join(sorted(metrics)).encode()).hexdigest()
        if known.is_dir():
            copies = {folder / picture.name: picture for picture in sorted(known.iterdir(), reverse=True)}
            for path, picture in copies.items():
                atomic_write(path, picture.read_bytes())
            return list(copies)  # the loss first
        pictures = draw_curves(metrics, folder, baselines)
        new = known.with_suffix(f".{os.getpid()}")
        new.mkdir()
        for picture in pictures:
            shutil.copy(picture, new)
        with suppress(OSError):  # another process was first
            new.rename(known)
        return pictures

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "draw_curves", draw_once)
        yield
