"""Shared by the journeys: outcome of a command, settings of a toy run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple


class Said(NamedTuple):
    """Outcome of a command: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Etude = Callable[..., Said]


LIMIT = ("debug=limit", "name=${data.name}_${model.name}")  # small, in the folder of a real run
TOY = (*LIMIT, "logger=csv", "model.hidden_dim=8")


def run_folder(said: Said) -> str:
    """The folder that a training printed."""
    [line] = [line for line in said.out.splitlines() if line.startswith("run ")]
    return line.split()[1]


def inspect(*arguments: str) -> str:
    """Output of W&B's own reader for an offline run."""
    command = [sys.executable, "-m", "wandb", "leet", "inspect", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
