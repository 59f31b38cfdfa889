"""Trained models that come with Étude."""

from __future__ import annotations

from pathlib import Path

from etude.errors import EtudeError

SUFFIX = ".safetensors"
PREFIX = "pretrained/"  # of their names, as in run=pretrained/erk
FOLDER = Path(__file__).parents[1] / "pretrained"


def pretrained_names() -> list[str]:
    """Return the names of the models, as they are typed."""
    return sorted(f"{PREFIX}{path.stem}" for path in FOLDER.glob(f"*{SUFFIX}"))


def pretrained(name: str) -> Path:
    """Return the file of a model; EtudeError if there is none of that name."""
    if name not in pretrained_names():
        raise EtudeError(f"there is no {name}; the trained models are {', '.join(pretrained_names())}")
    return FOLDER / f"{name.removeprefix(PREFIX)}{SUFFIX}"
