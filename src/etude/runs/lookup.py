"""Which folder a training belongs to: the one it has already, or one named by what was changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig

from etude.config.compose import compose, plain
from etude.config.frozen import acting_job, default_lines
from etude.config.problems import ConfigError
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


def find_run(config: dict[str, Any], fingerprint: str) -> RunFolder:
    """Return the folder of this training on the corpus with this fingerprint; it need not exist."""
    parent = Path(config["outputs_dir"]) / config["name"]
    sign = signature(config, fingerprint)
    for found in sorted(parent.glob(f"*_{sign[:8]}")):
        if RunFolder(found).signature == sign:
            return RunFolder(found)
    return RunFolder(parent / folder_name(config, _chosen_defaults(config), sign))


def _chosen_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the same group choices without a single key changed."""
    job = acting_job()
    if job is not None and job.defaults:
        return job.defaults
    choices = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    try:
        return plain(compose("train", default_lines(choices, config)))
    except ConfigError:  # a choice of the user's own, from --config-dir: its name is all that is said of it
        return config
