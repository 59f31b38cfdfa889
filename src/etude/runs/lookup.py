"""Lookup of a training's folder by its settings, and of a checkpoint by what the user types."""

from __future__ import annotations

import re
from pathlib import Path

from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.models.pretrained import PREFIX, SUFFIX, pretrained
from etude.plain_names import SWEEPS, path_problem
from etude.runs.catalogue import find
from etude.runs.checksums import check_whole
from etude.runs.folder import RunFolder
from etude.runs.identity import folder_name, signature

OUTPUTS = Path("outputs")  # where runs are looked for by name


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


def find_checkpoint(path: Path | str, which: str = "best") -> tuple[Path, Path]:
    """Return the checkpoint of a run, or the file itself, and the folder for its samples.

    A run is its folder, "latest", or the beginning of the name or hash of one below ``outputs``;
    "pretrained/NAME" is a model that comes with Étude.
    """
    word, path = str(path), Path(path).expanduser()
    if word.startswith(PREFIX) and not path.exists():
        return pretrained(word), OUTPUTS / word / "samples"
    if not path.exists() and path.suffix not in (".ckpt", SUFFIX):
        path = find(OUTPUTS, str(path)).path
    if not path.is_file():
        run = RunFolder(path)
        check_whole(path, [f"checkpoints/{which}.ckpt"])
        return run.checkpoint(which), run.samples
    if path.parent.name == "checkpoints":
        check_whole(path.parent.parent, [f"checkpoints/{path.name}"])
        return path, RunFolder(path.parent.parent).samples
    return path, path.with_name(f"{path.stem}-samples")


def named_again(word: Path | str, checkpoint: Path) -> tuple[Path, str]:
    """Return what to type as ``run=`` and ``checkpoint=`` for a checkpoint that was found by a word.

    It is the run's folder, or the file; a model that comes with Étude keeps its name.
    """
    if str(word).startswith(PREFIX):
        return Path(word), checkpoint.stem
    is_of_run = checkpoint.parent.name == "checkpoints"
    return checkpoint.parent.parent if is_of_run else checkpoint, checkpoint.stem
