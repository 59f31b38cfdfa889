"""A resumed training restores random numbers and the time it took so far, besides its weights."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from etude.runs.folder import RunFolder
from etude.training.checkpoints import ResumePoint
from etude.training.resume import Resume, _randomness, _restore_randomness
from etude.training.signals import StopSignals


def numbers() -> list[float]:
    """Draw from each source of random numbers that a model or a callback may use."""
    return [torch.rand(()).item(), float(np.random.rand()), float(np.random.randn()), random.random(),
            random.gauss()]  # fmt: skip


@pytest.mark.parametrize("drawn", [0, 1, 7])
def test_every_source_of_random_numbers_goes_on_where_it_was(tmp_path: Path, drawn: int) -> None:
    for _ in range(drawn):  # an odd number of normal numbers leaves one in store
        numbers()
    torch.save(_randomness(), tmp_path / "state")
    wanted = [numbers() for _ in range(3)]
    _restore_randomness(torch.load(tmp_path / "state", weights_only=True))
    assert [numbers() for _ in range(3)] == wanted


def test_the_time_of_earlier_attempts_counts(tmp_path: Path) -> None:
    start = ResumePoint(
        tmp_path / "last.ckpt", step=3, epoch=1, seconds=1000.0, rows={"rows": 0, "sha256": ""}
    )
    run, stop = RunFolder(tmp_path), StopSignals()
    assert 0 <= Resume(run, stop, None).seconds < 1000 <= Resume(run, stop, None, start).seconds
