"""Lookup of a training's folder: an existing one, or a new one named after its settings."""

from __future__ import annotations

import re
from pathlib import Path

from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.plain_names import SWEEPS, path_problem
from etude.runs.folder import RunFolder
from etude.runs.identity import folder_name, signature


def check_name(name: str) -> None:
    """Raise EtudeError for a ``name=`` that cannot be a folder below outputs_dir."""
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", name) or path_problem(name):
        raise EtudeError(f"name={name}: letters, digits, _ . - and / are wanted, since it names a folder")
    if name.partition("/")[0] == SWEEPS:
        raise EtudeError(f"name={name}: the folder {SWEEPS} below outputs_dir is for sweeps")


def find_run(parent: Path, config: ResolvedConfig, defaults: ResolvedConfig, fingerprint: str) -> RunFolder:
    """Return the folder below ``parent`` of this training on this corpus; it need not exist.

    A new folder is named after the settings in ``config`` that differ from ``defaults``.
    """
    sign = signature(config, fingerprint)
    for found in sorted(parent.glob(f"*_{sign[:8]}")):
        if RunFolder(found).signature == sign:
            return RunFolder(found)
    return RunFolder(parent / folder_name(config, defaults, sign))
