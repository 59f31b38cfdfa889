"""Étude: an experiment framework for symbolic-music models.

``train``, ``sample``, ``prepare`` and ``compose`` do what the command line does; ``load_run`` opens a run,
``runs`` lists them, ``read_piece`` reads a file of music as a ``Piece``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etude.api import TrainedRun, load_run
    from etude.formats.any_file import read_piece
    from etude.library import compose, prepare, sample, train
    from etude.music import Piece

__all__ = ["Piece", "TrainedRun", "compose", "load_run", "prepare", "read_piece", "runs", "sample", "train"]

# Imported when they are asked for: most need torch, and help and configuration checks must not wait for that.
_HOMES = {
    "Piece": "etude.music",
    "TrainedRun": "etude.api",
    "compose": "etude.library",
    "load_run": "etude.api",
    "prepare": "etude.library",
    "read_piece": "etude.formats.any_file",
    "sample": "etude.library",
    "train": "etude.library",
}


def __getattr__(name: str) -> Any:
    if name == "runs":
        return import_module("etude.runs")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'etude' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
