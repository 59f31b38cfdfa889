"""`_target_`: the class that a node of a configuration names, and its settings class.

The user's own configuration may name any class that can be imported. A stored one (checkpoint, run, job) may
come from a stranger: it may name classes of Étude, PyTorch's optimizers, Lightning, and of packages that
today's user has enabled.
"""

from __future__ import annotations

import inspect
import re
import sys
import traceback
from dataclasses import is_dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from etude.config import plugins
from etude.config.problems import did_you_mean
from etude.config.signatures import derived_class
from etude.errors import EtudeError

# Modules whose dataclasses say with `builds` which class they are the settings of; they import nothing slow.
ROOMS = ["etude.models.settings", "etude.corpora.settings", "etude.encodings.settings"]

STORED = ["etude.", "torch.optim.", "pytorch_lightning."]  # what a stored configuration may always name

# The settings class of each command's configuration, by the name of its file in conf/.
ROOTS = {
    "train": "etude.training.settings:TrainSettings",
    "sample": "etude.commands.settings:SampleSettings",
    "play": "etude.commands.settings:PlaySettings",
    "evaluate": "etude.commands.settings:EvaluateSettings",
    "prepare": "etude.commands.settings:PrepareSettings",
}


def root_class(name: str) -> type[Any] | None:
    """Return the settings class of a command's configuration; None if it has none."""
    module, _, cls = ROOTS.get(name, "").partition(":")
    found: type[Any] | None = getattr(import_module(module), cls) if module else None
    return found


def target_complaint(target: object, *, stored: bool = False) -> str:
    """Return why a `_target_` may not be imported; "" if it may."""
    if not isinstance(target, str) or not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)+", target):
        return f"must name a class, as in package.module.Class; got {target!r}"
    if not stored or target.startswith(tuple(STORED)) or plugins.is_enabled(target):
        return ""
    top = target.partition(".")[0]
    why = f"names {target}, and code that a file names is not run unasked"
    if top in sys.stdlib_module_names:
        return why
    return f"{why}; if you trust it, type {plugins.ENVIRONMENT}={top} before the command"


def load_target(target: object, *, stored: bool = False) -> Any:
    """Import a `_target_`; EtudeError if it is not allowed, does not exist or cannot be imported.

    A stored one must be a class, defined in a module that it may name.
    """
    if complaint := target_complaint(target, stored=stored):
        raise EtudeError(f"_target_ {complaint}")
    found = _imported(str(target))
    if not callable(found):
        raise EtudeError(f"_target_ {target}: is no class")
    # a module's attributes include what it imported: `etude.errors.Path` is not ours to build
    home = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    if stored and (not inspect.isclass(found) or target_complaint(home, stored=True)):
        raise EtudeError(f"_target_ {target}: not a class of {', '.join(STORED)} or of a plug-in")
    if not stored and not home.startswith(tuple(STORED)):
        plugins.enable([str(target).partition(".")[0]])
    return found


def _imported(target: str) -> Any:
    plugins.find_package(target)
    parts = target.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = _module(".".join(parts[:count]), target)
        if module is None:
            continue
        found: Any = module
        for part in parts[count:]:
            if not hasattr(found, part):
                names = [f"{'.'.join(parts[:-1])}.{name}" for name in vars(found) if not name.startswith("_")]
                raise EtudeError(f"_target_ {target}: nothing of that name{did_you_mean(target, names)}")
            found = getattr(found, part)
        return found
    raise EtudeError(
        f"_target_ {target}: nothing of that name (there is no module {parts[0]} in this folder, "
        "nor is one installed)"
    )


def _module(name: str, target: str) -> ModuleType | None:
    """Import a module; None if there is none of that name. EtudeError with the place of any other error."""
    try:
        return import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            return None
        [*_, last] = traceback.extract_tb(error.__traceback__)
        place = f"line {error.lineno} of {error.filename}" if isinstance(error, SyntaxError) else (
            f"line {last.lineno} of {last.filename}"
        )  # fmt: skip
        raise EtudeError(
            f"_target_ {target}: {name} cannot be imported: {type(error).__name__}: {error} ({place})"
        ) from error


def declared_class(target: str) -> type[Any] | None:
    """Return the declared settings class of a target; None if there is none."""
    return next((found[target] for found in map(_declared_in, ROOMS) if target in found), None)


@cache
def _declared_in(room: str) -> dict[str, type[Any]]:
    found = [each for each in vars(import_module(room)).values() if is_dataclass(each)]
    named = {getattr(each, "builds", ""): each for each in found if isinstance(each, type)}
    return {target: each for target, each in named.items() if target}


def has_no_place(target: str) -> bool:
    """Return whether a stored node may not name a class where any class would do."""
    return declared_class(target) is None and not plugins.is_enabled(target)


def settings_class(
    target: str, base: type[Any] = object, keys: tuple[str, ...] = (), *, stored: bool = False
) -> type[Any]:
    """Return the settings class of a target; EtudeError if it has none, or no subclass of ``base``.

    Where no room declares one, it is derived from the class itself, with the fields of ``base`` added. A
    class that takes any keyword argument gets the ``keys`` that the configuration has for it.
    """
    found = declared_class(target)
    if found is None:
        cls: Any = load_target(target, stored=stored)
        found = derived_class(cls, target, base, keys)  # type: ignore[arg-type]  # a class is hashable
    if not issubclass(found, base):
        raise EtudeError(f"_target_ {target}: it cannot stand here; its settings are {found.__name__}")
    return found
