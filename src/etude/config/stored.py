"""The config of an earlier run, checked as if it had been typed today."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

from etude.config.problems import Problem, did_you_mean
from etude.config.schema import SCHEMAS, settings_class
from etude.config.walk import faults

# groups within groups first: what is inside is checked before what holds it
_GROUPS = sorted((group for group in SCHEMAS if group), key=lambda group: -group.count("/"))


def check_stored(
    stored: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str], list[Problem]]:
    """Check a training's resolved config against today's schemas.

    Returns the config, in which a knob that has come since has its value of ``defaults``; those knobs; and
    what this version cannot do with the config (unknown keys, wrong values), in which case it is not whole.
    """
    config = OmegaConf.create(dict(stored))
    problems: list[Problem] = []
    for group in _GROUPS:
        key = group.replace("/", ".")
        node = OmegaConf.select(config, key)
        if isinstance(node, DictConfig):
            _replace(config, key, _typed(map(settings_class, SCHEMAS[group].values()), node, key, problems))
    whole = _typed([settings_class(SCHEMAS[""]["train"])], config, "", problems)
    filled: list[str] = []
    for fault in faults(whole):
        default = OmegaConf.select(OmegaConf.create(dict(defaults)), fault.key)
        if fault.missing and default is not None:
            OmegaConf.update(whole, fault.key, default)
            filled.append(fault.key)
        else:
            problems.append(Problem(f"{fault.key}={fault.value}", fault.why))
    if problems:
        return dict(stored), filled, problems
    content: Any = OmegaConf.to_container(whole, resolve=True)
    return content, filled, []


def _replace(config: DictConfig, key: str, node: DictConfig) -> None:
    parent, _, last = key.rpartition(".")
    (OmegaConf.select(config, parent) if parent else config)[last] = node


def _typed(schemas: Any, node: DictConfig, key: str, problems: list[Problem]) -> DictConfig:
    """The node under the schema that it fits best; a Problem for each key or value that does not fit."""
    present = set(map(str, node))
    fields = {schema: {field.name for field in dataclasses.fields(schema)} for schema in schemas}
    best = min(fields, key=lambda schema: len(fields[schema] ^ present))
    typed = OmegaConf.structured(best)
    prefix = f"{key}." if key else ""
    for name in map(str, node):
        try:
            typed = OmegaConf.merge(typed, {name: node._get_node(name)})
        except ConfigKeyError:
            problems.append(Problem(f"{prefix}{name}", f"no such key{did_you_mean(name, fields[best])}"))
        except OmegaConfBaseException as error:
            problems.append(Problem(f"{prefix}{name}={node[name]}", str(error).splitlines()[0]))
    assert isinstance(typed, DictConfig)
    return typed
