"""Settings classes of commands and `_target_`s: declared ones, or derived from a signature."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from functools import cache
from importlib import import_module
from typing import Any, get_type_hints

from etude.errors import EtudeError

# Modules whose dataclasses say with `builds` which class they are the settings of; they import nothing slow.
ROOMS = ["etude.models.settings", "etude.corpora.settings", "etude.encodings.settings"]

TYPED = ["etude.", "torch.optim.", "pytorch_lightning."]  # what the user's own configuration may name
STORED = ["etude.", "torch.optim.", "pytorch_lightning."]  # what a checkpoint or a run folder may name

# The settings class of each command's configuration, by the name of its file in conf/.
ROOTS = {
    "train": "etude.training.settings:TrainSettings",
    "sample": "etude.commands.settings:SampleSettings",
    "prepare": "etude.commands.settings:PrepareSettings",
}


def root_class(name: str) -> type[Any] | None:
    """Return the settings class of a command's configuration; None if it has none."""
    module, _, cls = ROOTS.get(name, "").partition(":")
    found: type[Any] | None = getattr(import_module(module), cls) if module else None
    return found


def target_complaint(target: object, allowed: Sequence[str] | None = None) -> str:
    """Return why a `_target_` may not be built; "" if it may. ``allowed`` is TYPED unless given."""
    allowed = TYPED if allowed is None else allowed
    if isinstance(target, str) and target.startswith(tuple(allowed)):
        return ""
    return f"must name something in {', '.join(prefix.rstrip('.') for prefix in allowed)}; got {target!r}"


def load_target(target: object, allowed: Sequence[str] | None = None) -> Any:
    """Import a `_target_`; EtudeError if it is not allowed, missing, or defined in another module."""
    allowed = TYPED if allowed is None else allowed
    if complaint := target_complaint(target, allowed):
        raise EtudeError(f"_target_ {complaint}")
    from hydra.utils import get_object

    try:
        found = get_object(str(target))
    except (ImportError, ValueError) as error:
        raise EtudeError(
            f"_target_ {target}: nothing of that name ({str(error).splitlines()[-1]})"
        ) from error
    # a module's attributes include what it imported: `etude.errors.Path` is not ours to build
    home = f"{getattr(found, '__module__', '')}."
    if not callable(found) or not home.startswith(tuple(allowed)):
        raise EtudeError(f"_target_ {target}: not a class or a function defined in {', '.join(allowed)}")
    return found


def declared_class(target: str) -> type[Any] | None:
    """Return the declared settings class of a target; None if there is none."""
    return next((found[target] for found in map(_declared_in, ROOMS) if target in found), None)


@cache
def _declared_in(room: str) -> dict[str, type[Any]]:
    found = [each for each in vars(import_module(room)).values() if is_dataclass(each)]
    named = {getattr(each, "builds", ""): each for each in found if isinstance(each, type)}
    return {target: each for target, each in named.items() if target}


def settings_class(target: str, base: type[Any] = object) -> type[Any]:
    """Return the settings class of a target; EtudeError if it has none, or no subclass of ``base``.

    Where no room declares one, it is derived: from the dataclass that the class takes as ``config``, or else
    from its signature, with the fields of ``base`` added.
    """
    found = declared_class(target) or _derived(target, base)  # type: ignore[arg-type]  # a class is hashable
    if not issubclass(found, base):
        raise EtudeError(f"_target_ {target}: it cannot stand here; its settings are {found.__name__}")
    return found


@dataclass(frozen=True)
class Signature:
    """Arguments of a class: ``config``, its settings dataclass, or else keyword arguments."""

    config: type[Any] | None
    parameters: dict[str, inspect.Parameter]
    hints: dict[str, Any]


def signature_of(found: Any) -> Signature:
    """Return the signature of a class or function, with ``**kwargs`` resolved by the parent classes."""
    parameters: dict[str, inspect.Parameter] = {}
    hints: dict[str, Any] = {}
    for function in _initialisers(found):
        parameters |= {name: each for name, each in _named(function).items() if name not in parameters}
        hints = {**_hints(function), **hints}
    config = hints.get("config") if "config" in parameters else None
    return Signature(config if is_dataclass(config) else None, parameters, hints)  # type: ignore[arg-type]


def _initialisers(found: Any) -> Iterator[Any]:
    """Return a class's constructor and those that get its ``**kwargs``; or the function itself."""
    for owner in found.__mro__ if inspect.isclass(found) else ():
        function = vars(owner).get("__init__")
        if function is not None and owner is not object:
            yield function
            kinds = [each.kind for each in inspect.signature(function).parameters.values()]
            if inspect.Parameter.VAR_KEYWORD not in kinds:
                return
    if not inspect.isclass(found):
        yield found


def _named(function: Any) -> dict[str, inspect.Parameter]:
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(function).parameters
    return {name: each for name, each in parameters.items() if each.kind in named and name != "self"}


def _hints(function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError, AttributeError):  # names that exist for type checkers alone
        return {}


@cache
def _derived(target: str, base: Any) -> type[Any]:
    found = load_target(target)
    signature = signature_of(found)
    bases: tuple[Any, ...] = tuple(each for each in (signature.config, base) if is_dataclass(each))
    known = {each.name for cls in bases for each in fields(cls)}.union(getattr(base, "supplied", ()))
    own: list[Any] = []
    if signature.config is None:
        for name, parameter in signature.parameters.items():
            if name not in known and _is_plain(parameter.default):
                own.append((name, _type_of(signature.hints.get(name, Any)), _default(parameter.default)))
    return make_dataclass(
        f"{target.rpartition('.')[2]}Settings", own, bases=bases, namespace={"builds": target}, kw_only=True
    )


def _is_plain(default: Any) -> bool:
    """Return whether a default can be written in YAML (or there is none)."""
    if isinstance(default, (list, tuple)):
        return all(map(_is_plain, default))
    return (
        default is inspect.Parameter.empty or default is None or isinstance(default, (bool, int, float, str))
    )


def _default(default: Any) -> Any:
    if default is inspect.Parameter.empty:
        return field()
    if isinstance(default, (list, tuple)):
        return field(default_factory=lambda: list(default))
    return field(default=default)


def _type_of(hint: Any) -> Any:
    """Return a type annotation that OmegaConf can check, or Any."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        OmegaConf.structured(make_dataclass("_", [("value", hint)]))
    except OmegaConfBaseException:
        return Any
    return hint
