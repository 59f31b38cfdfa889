"""Building objects from settings or from nodes of the configuration."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from omegaconf import DictConfig, OmegaConf

from etude.config.fields import from_plain
from etude.config.signatures import signature_of
from etude.config.targets import load_target, settings_class
from etude.errors import EtudeError


def build(settings: Any, bases: type | tuple[type, ...] | None = None, **extra: Any) -> Any:
    """Build the object for a settings instance or for a node with a `_target_`.

    A class that takes a ``config`` is given the settings; any other takes their values as keyword arguments,
    settings among them built first. ``bases``: the object must be one of these classes. EtudeError for
    what may not be built, or lacks an argument for the ``extra`` values, or the constructor refuses.
    """
    if isinstance(settings, (DictConfig, Mapping)):
        settings = _from_node(settings)
    target = type(settings).builds
    found = load_target(target)
    if bases is not None and not (inspect.isclass(found) and issubclass(found, bases)):
        raise EtudeError(f"_target_ {target} has no place here: {_named(bases)} is wanted")
    signature = signature_of(found)
    if lacking := [name for name in extra if not signature.is_open and name not in signature.parameters]:
        raise EtudeError(f"_target_ {target}: its __init__ must take {' and '.join(lacking)}")
    values = {each.name: getattr(settings, each.name) for each in fields(settings)}
    taken = values if signature.is_open else values.keys() & signature.parameters.keys()
    for_training = getattr(type(settings), "for_training", ())
    own = {name: _built(values[name]) for name in values if name in taken and name not in for_training}
    config = {} if signature.config is None else {"config": settings}
    return found(**{**own, **config, **extra})


def build_node(
    settings: Any, bases: type | tuple[type, ...] | None = None, offers: Mapping[str, Any] | None = None
) -> Any:
    """Build a node, with the values that ``offers`` has for arguments that the user left out."""
    taken = signature_of(load_target(type(settings).builds)).parameters
    wanted = {key: value for key, value in (offers or {}).items() if key in taken}
    extra = {key: value for key, value in wanted.items() if getattr(settings, key, None) is None}
    return build(settings, bases, **extra)


def _named(bases: type | tuple[type, ...]) -> str:
    return " or ".join(each.__name__ for each in (bases if isinstance(bases, tuple) else (bases,)))


def _from_node(node: DictConfig | Mapping[str, Any]) -> Any:
    resolved: Any = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else node
    if "_target_" not in resolved:
        raise EtudeError(f"nothing to build: no _target_ among {', '.join(map(str, resolved))}")
    load_target(resolved["_target_"])  # which a room may have declared, but not defined
    return from_plain(object, resolved)


def _built(value: Any) -> Any:
    """Return a value with every nested node replaced by the object that it describes."""
    if isinstance(value, list):
        return [_built(each) for each in value]
    return build(value) if getattr(type(value), "builds", "") else value


def build_as(
    bases: type | tuple[type, ...], node: Mapping[str, Any], kind: type = object, **extra: Any
) -> Any:
    """Build a node of an untrusted file, a subclass of ``bases``, as :func:`settings_as` reads it."""
    return build(settings_as(bases, node, kind), **extra)


def settings_as(bases: type | tuple[type, ...], node: Mapping[str, Any], kind: type = object) -> Any:
    """Return the settings of a node of an untrusted file, which is to become a subclass of ``bases``.

    ``kind`` is the required base class of the settings. EtudeError for another class, a function, or
    a nested class that is neither Étude's nor of an enabled package.
    """
    target = node.get("_target_")
    found = load_target(target, stored=True)
    if not issubclass(found, bases):
        raise EtudeError(f"_target_ {target} has no place in a stored configuration")
    values = {key: value for key, value in node.items() if key != "_target_"}
    cls = settings_class(str(target), kind, tuple(values), stored=True)
    return from_plain(cls, values, stored=True)
