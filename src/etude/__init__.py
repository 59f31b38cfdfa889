"""Étude: an experiment framework for symbolic-music models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etude.api import load_run

__all__ = ["load_run"]


def __getattr__(name: str) -> Any:
    # imported when it is asked for: it needs torch, and help and config checking must not wait for that
    if name == "load_run":
        from etude.api import load_run

        return load_run
    raise AttributeError(f"module 'etude' has no attribute {name!r}")
