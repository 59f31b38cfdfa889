"""Manifest: under which circumstances a run was made."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

from etude.data.module import CorpusDataModule
from etude.files import atomic_write
from etude.runs.folder import RunFolder
from etude.runs.identity import signature

log = logging.getLogger(__name__)

PACKAGES = ("etude", "torch", "pytorch-lightning", "torchmetrics", "hydra-core", "omegaconf", "music21",
            "numpy", "wandb", "symusic", "verovio")  # fmt: skip

SOURCE = Path(__file__).resolve().parent


def write_papers(
    run: RunFolder, config: dict[str, Any], data: CorpusDataModule, warnings: Sequence[str]
) -> None:
    """Write what it takes to repeat the run, before anything can fail; empty ``warnings`` do not count."""
    atomic_write(run.config, OmegaConf.to_yaml(OmegaConf.create(config)).encode())
    given = [warning for warning in warnings if warning]
    for warning in given:
        log.warning(warning)
    sign = signature(config, data.store.fingerprint)
    run.write_json("manifest.json", manifest(config, data.store.description, sign, given))


def manifest(
    config: dict[str, Any], corpus: dict[str, Any], sign: str, warnings: list[str]
) -> dict[str, Any]:
    """Return code, packages, machine, corpus, seed and command line, as plain values.

    ``warnings`` are what a reader of the figures must know.
    """
    return {
        "signature": sign,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "seed": config["seed"],
        "warnings": warnings,
        "git": git_state(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        },
        "corpus": {key: corpus[key] for key in ("fingerprint", "corpus", "encoding", "counts")},
    }


def git_state() -> dict[str, str | None]:
    """Return commit, changes and unknown files of the code that runs; None each outside a checkout."""
    if (
        _git("ls-files", "--error-unmatch", Path(__file__).name) is None
    ):  # e.g. installed inside another checkout
        return {"commit": None, "diff": None, "untracked": None}
    return {
        "commit": _git("rev-parse", "HEAD"),
        "diff": _git("diff", "HEAD"),
        "untracked": _git("ls-files", "--others", "--exclude-standard", ":/"),
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(SOURCE), *arguments], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
