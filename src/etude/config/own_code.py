"""The user's own code: modules that are neither Étude's, nor Python's, nor an installed package's."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

from etude.config.plugins import find_package
from etude.errors import EtudeError
from etude.source_code import imports_of, meaning_of, module_file

_INSTALLED = ("site-packages", "dist-packages")


def own_file(module: str) -> Path | None:
    """Return the source file of a module of the user's own, without importing it; None if it is none.

    EtudeError for a class that was defined in a notebook or a console: its source is not in a file.
    """
    top, *parts = module.split(".")
    if top == "__main__":
        return _main_file()
    if top in sys.stdlib_module_names or top == "etude":
        return None
    return _found(top, tuple(parts))


def own_modules(starts: Iterable[str]) -> dict[str, Path]:
    """Return the user's own modules among some modules and what they import, with their files, by name."""
    found: dict[str, Path] = {}
    wanted = list(starts)
    while wanted:
        module = wanted.pop()
        if module and module not in found and (path := own_file(module)):
            found[module] = path
            wanted += [*imports_of(path, module), module.rpartition(".")[0]]
    return dict(sorted(found.items()))


def own_code(starts: Iterable[str]) -> dict[str, str]:
    """Return a short hash of what each module of :func:`own_modules` does."""
    return {module: meaning_of(path) for module, path in own_modules(starts).items()}


def installed_versions(starts: Iterable[str]) -> dict[str, str]:
    """Return the versions of installed packages of the user's choice, by distribution.

    Étude, Python's modules, and packages whose source counts (:func:`own_modules`) are not among them.
    """
    tops = (
        {module.partition(".")[0] for module in starts} - sys.stdlib_module_names - {"", "etude", "__main__"}
    )
    foreign = [top for top in sorted(tops) if _found(top, ()) is None]
    names = {name for top in foreign for name in _distributions().get(top, ())}
    return {name: version(name) for name in sorted(names)}


@cache
def _distributions() -> Mapping[str, Sequence[str]]:
    return packages_distributions()


def module_of(function: Any) -> str:
    """Return the module of a function, of what a partial calls, or of an object's class."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__module__", ""))


@cache
def _found(top: str, parts: tuple[str, ...]) -> Path | None:
    spec = find_package(top)
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        return None
    if spec.submodule_search_locations:
        files = (module_file(Path(place), list(parts)) for place in spec.submodule_search_locations)
        path = next((file for file in files if file), None)
    else:
        path = Path(str(spec.origin)) if not parts else None
    if path is None or path.suffix != ".py" or any(part in _INSTALLED for part in path.parts):
        return None
    return None if path.is_relative_to(sysconfig.get_path("stdlib")) else path


def _main_file() -> Path:
    file = getattr(sys.modules["__main__"], "__file__", None)
    if file is None:
        raise EtudeError(
            "a class that is defined in a notebook or a console has no source file, so a change would go "
            "unnoticed: put it into a module (a .py file beside the notebook), and name it there"
        )
    return Path(file)
