"""Manifest: command, code, packages, machine and corpus of a run."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

from etude.config.own_code import own_file
from etude.config.resolved import ResolvedConfig
from etude.corpora.prepared import PreparedCorpus
from etude.files import atomic_write
from etude.models.initial_weights import Match
from etude.runs import code_hash
from etude.runs.folder import RunFolder
from etude.runs.identity import FORMAT, signature
from etude.runs.request import differences
from etude.runs.status import by_us, now

log = logging.getLogger(__name__)

PACKAGES = ("etude", *code_hash.PACKAGES, "hydra-core", "omegaconf", "music21", "wandb", "symusic", "verovio")

SOURCE = Path(__file__).resolve()


def write_manifest(
    run: RunFolder,
    config: ResolvedConfig,
    data: PreparedCorpus,
    warnings: Sequence[str],
    resumed_from_step: int | None = None,
    *,
    match: Match | None = None,
) -> None:
    """Write config.yaml and manifest.json before anything can fail; empty ``warnings`` do not count.

    The manifest holds the code and the packages that the run began with. An attempt that resumes the run is
    added, with its differences from the beginning. ``match``: what it took over from ``init_from``.
    """
    here = {
        "started": now(),
        **{key: by_us()[key] for key in ("host", "pid")},
        "command": _command(),
        "resumed_from_step": resumed_from_step or 0,
    }
    if resumed_from_step is not None:
        content = run.read_json("manifest.json")
        unlike = {key: list(pair) for key, pair in differences(run, config).items()}
        content["attempts"] = [*content.get("attempts", []), here | {"differences": unlike}]
        run.write_json("manifest.json", content)
        return
    atomic_write(run.config, OmegaConf.to_yaml(OmegaConf.create(config.as_dict())).encode())
    given = [warning for warning in warnings if warning]
    for warning in given:
        log.warning(warning)
    content = manifest(config, data.store.description, given)
    if match:
        content["init"] = {key: config[key] for key in ("init_from", "init_sha256")} | asdict(match)
    run.write_json("manifest.json", content | {"attempts": [here]})


def manifest(
    config: ResolvedConfig, corpus: Mapping[str, Any], warnings: Sequence[str] = ()
) -> dict[str, Any]:
    """Return code, packages, machine, corpus, seed and command line, as plain values.

    ``corpus`` is the description in its store; ``warnings`` are what a reader of the metrics must know.
    """
    return {
        "format": FORMAT,
        "signature": signature(config, corpus["fingerprint"]),
        "command": _command(),
        "started": now(),
        "seed": config["seed"],
        "warnings": list(warnings),
        "git": git_state(),
        "own_git": own_git(config),
        "code": code_hash.training_code(config),
        "python": platform.python_version(),
        "packages": {**{name: _version(name) for name in PACKAGES}, **code_hash.packages_of(config)},
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        },
        "corpus": {key: corpus[key] for key in ("fingerprint", "corpus", "encoding", "counts")},
    }


def _command() -> list[str]:
    return [Path(sys.argv[0]).name, *sys.argv[1:]]


def git_state(file: Path = SOURCE) -> dict[str, str | None]:
    """Return commit, changes and unknown files of the checkout of a file; None each outside a checkout."""
    git = partial(_git, file.parent)
    if git("ls-files", "--error-unmatch", file.name) is None:  # e.g. installed inside another checkout
        return {"commit": None, "diff": None, "untracked": None}
    return {
        "commit": git("rev-parse", "HEAD"),
        "diff": git("diff", "HEAD"),
        "untracked": git("ls-files", "--others", "--exclude-standard", ":/"),
    }


def own_git(config: ResolvedConfig) -> dict[str, dict[str, str | None]]:
    """Return the state of the repository of each package of the user's own that a training names."""
    files = {module.partition(".")[0]: own_file(module) for module in code_hash.modules_of(config)}
    return {name: git_state(file) for name, file in files.items() if file is not None}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # a diff has the bytes of any file
            check=True,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
