"""Typing of a composed configuration by the settings classes of its keys and `_target_`s."""

from __future__ import annotations

from typing import Any, NamedTuple

from omegaconf import DictConfig, ListConfig, Node, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from etude.config.fields import dataclass_in, hints_of
from etude.config.problems import in_words
from etude.config.targets import settings_class, target_complaint
from etude.errors import EtudeError


class Misfit(NamedTuple):
    """An unknown key (``why`` is "") or a value of the wrong type."""

    key: str
    value: object
    why: str


def typed(config: DictConfig, cls: type[Any]) -> tuple[DictConfig, list[Misfit]]:
    """Return a typed configuration, and the misfits that were left out of it."""
    misfits: list[Misfit] = []
    return _typed(config, cls, "", misfits), misfits


def _typed(node: DictConfig, base: type[Any] | None, path: str, misfits: list[Misfit]) -> DictConfig:
    target = OmegaConf.to_container(node, resolve=False).get("_target_")  # type: ignore[union-attr]
    cls, is_known = base, True
    try:
        if target is not None and (is_known := not target_complaint(target)):  # else `faults` reports it
            cls = settings_class(target, base or object)
        elif target is None and getattr(base, "builds", None) == "":
            misfits.append(Misfit(f"{path}_target_", None, "must name the class to build"))
    except EtudeError as error:
        misfits.append(Misfit(f"{path}_target_", target, str(error).partition(": ")[2]))
        is_known = False
    known = None if cls is None else hints_of(cls)
    result = OmegaConf.create() if cls is None else OmegaConf.structured(cls)
    for name in map(str, node):
        key, child = f"{path}{name}", node._get_node(name)
        if name == "_target_" or (name == "hydra" and not path):
            with open_dict(result):
                result[name] = child
        elif known is None:
            result[name] = _child(child, None, key, misfits)
        elif name not in known:
            misfits += [Misfit(key, None, "")] if is_known else []
        else:
            _set(result, name, _child(child, dataclass_in(known[name]), key, misfits), key, misfits)
    return result


def _child(child: Any, base: type[Any] | None, path: str, misfits: list[Misfit]) -> Any:
    whole = isinstance(child, DictConfig) and not (child._is_missing() or child._is_none())
    return _typed(child, base, f"{path}.", misfits) if whole and not child._is_interpolation() else child


def _set(node: DictConfig, name: str, value: Any, key: str, misfits: list[Misfit]) -> None:
    if isinstance(value, ListConfig):
        value = OmegaConf.to_container(value)
    elif isinstance(value, Node) and not isinstance(value, DictConfig):
        value = value._value()  # an interpolation stays one
    try:
        if isinstance(value, DictConfig):
            node[name] = value
        else:
            OmegaConf.update(node, name, value, merge=False)  # also takes 1 for a number such as 1.0
    except OmegaConfBaseException:
        takes = in_words(hints_of(OmegaConf.get_type(node))[name])
        shown = OmegaConf.to_container(value) if isinstance(value, DictConfig) else value
        misfits.append(Misfit(key, shown, f"takes {takes}, got {shown}"))
