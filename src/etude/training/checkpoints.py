"""Checkpoints on disk: written atomically, and checked for damage."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO

from etude.files import atomic_write
from etude.models.checkpoint import is_whole
from etude.runs.folder import RunFolder
from etude.stored_files import check_types
from etude.training.metrics_csv import RowsCheck

LAST, PREVIOUS = "last.ckpt", "previous.ckpt"  # where a run goes on; where, if that is damaged


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoint IO that writes a temporary file and renames it; Lightning's own writes in place."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint atomically, so that a kill leaves the old or the new one."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        atomic_write(Path(path), content.getbuffer())


@dataclass(frozen=True)
class ResumePoint:
    """A point to resume from: a checkpoint, its number of steps and epochs, and the seconds spent so far.

    ``rows`` are those of metrics.csv at that moment. ``devices`` is how many processes trained together, each
    with random numbers and sums of its own.
    """

    path: Path
    step: int
    epoch: int
    seconds: float
    rows: RowsCheck
    devices: int = 1


class _Saved(TypedDict):
    step: int
    epoch: int
    seconds: float
    rows: RowsCheck
    validated: bool
    processes: list[Any]


def resume_point(run: RunFolder) -> ResumePoint | None:
    """Return the newest whole checkpoint of a run; None if there is none.

    Nor without what belongs to it: metrics.csv, and the best weights of the validations before.
    """
    if not run.metrics.is_file():
        return None
    for name in (LAST, PREVIOUS):
        path = run.checkpoints / name
        if is_whole(path):
            try:
                saved = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["resume"]
                check_types(saved, _Saved, str(path))
                known = {key: saved[key] for key in ("step", "epoch", "seconds", "rows")}
                point = ResumePoint(path, **known, devices=len(saved["processes"]))
            except Exception:  # a damaged pickle may make the reader raise anything
                continue
            if saved["validated"] and not is_whole(run.checkpoints / "best.ckpt"):
                return None
            return point
    return None
