"""Typing of a composed configuration by the settings classes of its keys and `_target_`s."""

from __future__ import annotations

from typing import Any, NamedTuple

from omegaconf import DictConfig, ListConfig, Node, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from etude.config.fields import NodeGroup, dataclass_in, hints_of
from etude.config.problems import in_words
from etude.config.targets import has_no_place, settings_class, target_complaint
from etude.errors import EtudeError


class Misfit(NamedTuple):
    """An unknown key (``why`` is "") or a value of the wrong type."""

    key: str
    value: object
    why: str


def typed(config: DictConfig, cls: type[Any], *, stored: bool = False) -> tuple[DictConfig, list[Misfit]]:
    """Return a typed configuration, and the misfits that were left out of it.

    ``stored``: it is from a file, so its `_target_`s are restricted.
    """
    typing = _Typing(stored=stored)
    return typing.typed(config, cls), typing.misfits


def replace_target(config: DictConfig, key: str, target: Any) -> None:
    """Set a `_target_`, and remove the values of the class before it that the new one does not take."""
    node, old = OmegaConf.select(config, key.rpartition(".")[0]), OmegaConf.select(config, key)
    OmegaConf.update(config, key, target, force_add=True)
    if not isinstance(node, DictConfig) or old is None or target_complaint(target):
        return
    try:
        before = settings_class(str(old))
        after = settings_class(str(target), shared_base(before))
    except EtudeError:  # reported when the configuration is typed
        return
    kept, fits = hints_of(before).keys() & hints_of(after).keys(), OmegaConf.structured(after)
    for name in hints_of(before):
        if name not in kept or not _takes(fits, name, node._get_node(name)):
            node.pop(name, None)


def _takes(settings: DictConfig, name: str, value: Any) -> bool:
    if not isinstance(value, Node) or isinstance(value, DictConfig | ListConfig) or value._is_interpolation():
        return True
    try:
        OmegaConf.update(settings, name, value._value())
    except OmegaConfBaseException:
        return False
    return True


def shared_base(cls: type[Any]) -> type[Any]:
    """Return the settings of any class that may stand in this place."""
    return next((each for each in cls.__mro__ if vars(each).get("builds") == ""), object)


class _Typing:
    """Typing of one configuration; ``misfits`` collects what does not fit."""

    def __init__(self, *, stored: bool) -> None:
        self.misfits: list[Misfit] = []
        self._stored = stored

    def typed(self, node: DictConfig, base: type[Any] | None, path: str = "") -> DictConfig:
        """Return a node with the types of its settings class, which is a kind of ``base``."""
        cls, is_known = self._class_of(node, base, path)
        known = {} if cls is None else hints_of(cls)
        result = OmegaConf.create() if cls is None else OmegaConf.structured(cls)
        for name in map(str, node):
            key, child = f"{path}{name}", node._get_node(name)
            if name == "_target_" or (name == "hydra" and not path):
                _add(result, name, child)
            elif cls is None:
                result[name] = self._child(child, None, key)
            elif name in known:
                self._set(result, name, self._child(child, dataclass_in(known[name]), key), key)
            elif issubclass(cls, NodeGroup) and _is_node(child):
                if isinstance(child, DictConfig) and not child._is_none():
                    _add(result, name, self._child(child, cls.kind, key))
            elif is_known:
                self.misfits.append(Misfit(key, None, ""))
        return result

    def _class_of(self, node: DictConfig, base: type[Any] | None, path: str) -> tuple[type[Any] | None, bool]:
        """Return the settings class of a node, and whether it is certain."""
        values: Any = OmegaConf.to_container(node, resolve=False)
        target = values.get("_target_")
        if target is None:
            if getattr(base, "builds", None) == "":
                self.misfits.append(Misfit(f"{path}_target_", None, "must name the class to build"))
            return base, True
        if target_complaint(target, stored=self._stored):  # which `faults` reports
            return base, False
        if self._stored and base is None and has_no_place(target):
            why = "has no place in a stored configuration"
            self.misfits.append(Misfit(f"{path}_target_", target, why))
            return base, False
        keys = tuple(str(key) for key in values if key != "_target_")
        try:
            return settings_class(target, base or object, keys, stored=self._stored), True
        except EtudeError as error:
            why = str(error).removeprefix(f"_target_ {target}: ")
            self.misfits.append(Misfit(f"{path}_target_", target, why))
            return base, False

    def _child(self, child: Any, base: type[Any] | None, path: str) -> Any:
        if isinstance(child, ListConfig) and not (child._is_missing() or child._is_none()):
            for index in range(len(child)):  # typed for the misfits alone: a list keeps plain values
                element = child._get_node(index)
                if isinstance(element, DictConfig) and not element._is_none() and "_target_" in element:
                    self.typed(element, None, f"{path}.{index}.")
        whole = isinstance(child, DictConfig) and not (child._is_missing() or child._is_none())
        return self.typed(child, base, f"{path}.") if whole and not child._is_interpolation() else child

    def _set(self, node: DictConfig, name: str, value: Any, key: str) -> None:
        if isinstance(value, ListConfig):
            value = OmegaConf.to_container(value)
        elif isinstance(value, Node) and not isinstance(value, DictConfig):
            value = value._value()  # an interpolation stays one
        if isinstance(value, float) and hints_of(OmegaConf.get_type(node))[name] in (str, str | None):
            why = f"takes text, got {value}; to keep it as written, quote it"
            self.misfits.append(Misfit(key, value, why))
            return
        try:
            if isinstance(value, DictConfig):
                node[name] = value
            else:
                OmegaConf.update(node, name, value, merge=False)  # also takes 1 for a number such as 1.0
        except OmegaConfBaseException:
            takes = in_words(hints_of(OmegaConf.get_type(node))[name])
            shown = OmegaConf.to_container(value) if isinstance(value, DictConfig) else value
            self.misfits.append(Misfit(key, shown, f"takes {takes}, got {shown}"))


def _add(node: DictConfig, name: str, value: Any) -> None:
    with open_dict(node):
        node[name] = value


def _is_node(child: Any) -> bool:
    return child is None or isinstance(child, DictConfig) or (isinstance(child, Node) and child._is_none())
