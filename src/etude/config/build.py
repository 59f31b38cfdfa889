"""Building objects from settings or from nodes of the configuration."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from omegaconf import DictConfig, OmegaConf

from etude.config import targets
from etude.config.fields import from_plain
from etude.config.targets import load_target, settings_class, signature_of
from etude.errors import EtudeError


def build(settings: Any, **extra: Any) -> Any:
    """Build the object for a settings instance or for a node with a `_target_`.

    A class that takes a ``config`` is given the settings; any other takes their values as keyword arguments,
    settings among them built first. EtudeError for what may not be built, or the constructor refuses.
    """
    if isinstance(settings, (DictConfig, Mapping)):
        settings = _from_node(settings)
    found = load_target(type(settings).builds)
    signature = signature_of(found)
    values = {each.name: getattr(settings, each.name) for each in fields(settings)}
    own = {name: _built(value) for name, value in values.items() if name in signature.parameters}
    config = {} if signature.config is None else {"config": settings}
    return found(**{**own, **config, **extra})


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
    """Build a node of an untrusted file: a subclass of ``bases``, from plain values.

    ``kind`` is the required base class of its settings. EtudeError for another class, a function, or
    a nested class that is not Étude's.
    """
    target = node.get("_target_")
    found = load_target(target, targets.STORED)
    if not (inspect.isclass(found) and issubclass(found, bases)):
        raise EtudeError(f"_target_ {target} has no place in a stored configuration")
    values = {key: value for key, value in node.items() if key != "_target_"}
    return build(from_plain(settings_class(str(target), kind), values, stored=True), **extra)
