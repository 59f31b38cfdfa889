"""Keys of a composed configuration, their types, and the keys with invalid values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, OmegaConfBaseException

from etude.addresses import without_credentials
from etude.config.fields import NodeGroup, hints_of, limits_of
from etude.config.setting_limits import Limits
from etude.config.targets import target_complaint

UNKNOWN = "no such key"


@dataclass(frozen=True)
class KeyInfo:
    """Place of a dotted key in a configuration.

    ``exists``: there is a value. ``fixed``: a schema lists the keys, so none can be added or
    removed. ``takes``: the type annotation of the value.
    """

    exists: bool
    fixed: bool
    takes: Any = Any


@dataclass(frozen=True)
class InvalidValue:
    """A key with an invalid ``value``, or without one (``missing``)."""

    key: str
    value: object
    why: str
    missing: bool = False


def find(config: DictConfig, key: str) -> KeyInfo:
    """Look up a dotted key in a composed configuration."""
    node: Any = config
    fixed = True
    *parents, last = key.split(".")
    for part in parents:
        if isinstance(node, DictConfig):
            fixed = _schema(node) is not None and not _holds_nodes(node)
        node = _child(node, part)
    if isinstance(node, DictConfig):
        schema = _schema(node)
        if schema is None:
            return KeyInfo(exists=last in node.keys(), fixed=False)  # noqa: SIM118  (`in` hides missing values)
        hints = hints_of(schema)
        is_target = last == "_target_" and last in node
        takes = str if is_target else hints.get(last, Any)
        if _holds_nodes(node) and last not in hints and last in node:
            return KeyInfo(exists=True, fixed=True, takes=dict | None)  # null leaves it out
        return KeyInfo(exists=last in hints or is_target, fixed=True, takes=takes)
    is_element = isinstance(node, ListConfig) and last.isdigit() and int(last) < len(node)
    return KeyInfo(exists=is_element, fixed=fixed)


def keys_of(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield every dotted key of a composed configuration, groups included, Hydra's own left out."""
    for key in map(str, config.keys()):
        if not prefix and key == "hydra":
            continue
        yield f"{prefix}{key}"
        child = _child(config, key)
        if isinstance(child, DictConfig):
            yield from keys_of(child, f"{prefix}{key}.")


def invalid_values(config: DictConfig, prefix: str = "", *, stored: bool = False) -> Iterator[InvalidValue]:
    """Yield every key whose value is out of range, missing or cannot be resolved.

    ``stored``: the configuration is from a file, so its `_target_`s are restricted.
    """
    for key in map(str, config.keys()):
        if f"{prefix}{key}" != "hydra":
            yield from _invalid_key(config, key, f"{prefix}{key}", stored)


def invalid_at(config: DictConfig, path: Sequence[str]) -> Iterator[InvalidValue]:
    """Yield the keys with invalid values at and below one place of a composed configuration."""
    node: Any = config
    for key in path[:-1]:
        node = node[key]
    yield from _invalid_key(node, path[-1], ".".join(path), stored=False)


def _invalid_key(config: DictConfig, key: str, full: str, stored: bool) -> Iterator[InvalidValue]:
    schema = _schema(config)
    field = schema.__dataclass_fields__.get(key) if schema is not None else None
    own = _child(config, key)
    is_own = _holds_nodes(config) and isinstance(own, DictConfig | NoneType)
    if schema is not None and field is None and key != "_target_" and not is_own:
        yield InvalidValue(full, None, UNKNOWN)
    elif is_own and field is None and isinstance(own, DictConfig) and "_target_" not in own:
        yield InvalidValue(f"{full}._target_", None, "must name the class to build")
    elif OmegaConf.is_missing(config, key):
        yield InvalidValue(full, "???", "must be given", missing=True)
    else:
        yield from _invalid_leaves(config, key, full, limits_of(field) if field else None, stored)


def _invalid_leaves(
    parent: DictConfig, key: str, full: str, limits: Limits | None, stored: bool
) -> Iterator[InvalidValue]:
    try:
        value = parent[key]
    except InterpolationToMissingValueError:
        return  # what is missing is named where it is missing
    except OmegaConfBaseException as error:
        raw: Any = OmegaConf.to_container(parent, resolve=False, throw_on_missing=False)
        yield InvalidValue(full, raw[key], str(error).splitlines()[0])
        return
    if isinstance(value, DictConfig):
        yield from invalid_values(value, f"{full}.", stored=stored)
        return
    if isinstance(value, ListConfig):
        for index, element in enumerate(value):
            if isinstance(element, DictConfig):
                yield from invalid_values(element, f"{full}.{index}.", stored=stored)
        value = OmegaConf.to_container(value)
    why = limits.complaint(value) if limits else ""
    if key == "_target_":
        why = target_complaint(value, stored=stored)
    if why:
        yield InvalidValue(full, without_credentials(value) if isinstance(value, str) else value, why)


def _holds_nodes(node: DictConfig) -> bool:
    schema = _schema(node)
    return schema is not None and issubclass(schema, NodeGroup)


def _schema(node: DictConfig) -> type[Any] | None:
    found = OmegaConf.get_type(node)
    return found if dataclasses.is_dataclass(found) and isinstance(found, type) else None


def _child(node: Any, part: str) -> Any:
    """Return the container under a key; None if there is none, or it cannot be resolved."""
    try:
        if isinstance(node, DictConfig):
            return node.get(part)
        if isinstance(node, ListConfig) and part.isdigit() and int(part) < len(node):
            return node[int(part)]
    except OmegaConfBaseException:
        pass
    return None
