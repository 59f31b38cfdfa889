"""Weights & Biases offline, read back from its own file; TensorBoard's event files."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Etude

LIMIT = ("train", "debug=limit", "model.hidden_dim=8")


def wandb_runs(folder: Path) -> list[Path]:
    return sorted(folder.glob("outputs/**/run-*.wandb"))


def read_back(file: Path) -> dict[str, Any]:
    """Read an offline run with W&B's own reader."""
    done = subprocess.run(
        [sys.executable, "-m", "wandb", "leet", "inspect", "--summary", "--json", str(file)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def test_a_training_is_one_offline_run_with_metrics_config_and_samples(etude: Etude, tmp_path: Path) -> None:
    said = etude(*LIMIT, "sampling.forms=[wav,roll]")
    assert said.code == 0, said.err
    [file] = wandb_runs(tmp_path)
    text = json.dumps(read_back(file))
    for expected in ("val/loss", "val/accuracy", "train/loss", "train/accuracy", "model.hidden_dim",
                     "samples/after/sample-1.wav", "samples/before/sample-1.png"):  # fmt: skip
        assert expected in text, expected
