"""Code of the user's own: plug-in packages, and modules in the current folder.

A class of a run, a checkpoint or a job is imported only if its package is *enabled*: named in ETUDE_PLUGINS,
installed with an entry point in the group ``etude.plugins``, or typed by today's user in this process.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points
from pathlib import Path

from etude.errors import EtudeError

ENVIRONMENT = "ETUDE_PLUGINS"  # names of packages, separated by commas
GROUP = "etude.plugins"  # of entry points; the value of each is a package

_typed: dict[str, None] = {}  # an ordered set


def plugins() -> tuple[str, ...]:
    """Return the plug-in packages, which may have a conf/ folder: of the environment, then installed ones."""
    named = [name.strip() for name in os.environ.get(ENVIRONMENT, "").split(",")]
    return tuple(dict.fromkeys([*filter(None, named), *_installed()]))


def enabled() -> tuple[str, ...]:
    """Return the packages whose classes a stored file may name: plug-ins, and those typed in this process."""
    return tuple(dict.fromkeys([*plugins(), *_typed]))


def enable(packages: Iterable[str]) -> None:
    """Enable packages in this process, because today's user typed a class of theirs."""
    for name in packages:
        find_package(name)
        _typed[name] = None


def is_enabled(target: str) -> bool:
    """Return whether a dotted name is inside an enabled package."""
    return target.startswith(tuple(f"{name}." for name in enabled()))


def find_package(name: str) -> ModuleSpec | None:
    """Return where a top-level package or module is, without importing it; None if there is none.

    If only the current folder has it, that folder becomes importable, after all others.
    """
    top = name.partition(".")[0]
    try:
        found = importlib.util.find_spec(top)
    except ValueError:  # __main__, or a module that a test made
        return None
    if found is None and top.isidentifier() and (found := PathFinder.find_spec(top, [str(Path.cwd())])):
        sys.path.append(str(Path.cwd()))
    return found


def conf_folders() -> list[Path]:
    """Return the conf/ folders of the plug-ins; EtudeError for a plug-in that does not exist."""
    found = []
    for name in plugins():
        spec = find_package(name)
        if spec is None:
            raise EtudeError(
                f"{ENVIRONMENT}={name}: there is no package {name} in this folder, nor is one installed"
            )
        inside = name.split(".")[1:]
        places = [Path(place, *inside, "conf") for place in spec.submodule_search_locations or ()]
        found += [place for place in places if place.is_dir()]
    return found


@cache
def _installed() -> tuple[str, ...]:
    return tuple(entry.module for entry in sorted(entry_points(group=GROUP)))
