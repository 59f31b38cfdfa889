"""Checks of a stored configuration against today's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from etude.config.conf_files import conf_dir, values_of
from etude.config.plugins import conf_folders
from etude.config.problems import Problem, did_you_mean
from etude.config.schema import Misfit, shared_base, typed
from etude.config.targets import root_class, settings_class
from etude.config.validation import invalid_values, keys_of
from etude.errors import EtudeError


def check_stored(
    stored: Mapping[str, Any], defaults: Mapping[str, Any], verb: str = "train"
) -> tuple[dict[str, Any], list[str], list[Problem]]:
    """Check the resolved config of a training, or of another verb, against today's settings classes.

    Return the config, with newer settings filled in: those of a class as conf/ has them for that class, all
    others from ``defaults``; the names of these settings; and what this version cannot use (unknown keys,
    wrong values), in which case the config is not whole.
    """
    config, shipped = OmegaConf.create(dict(stored)), OmegaConf.create(dict(defaults))
    whole, misfits = _typed(config, verb)
    lacking = [each.key for each in invalid_values(whole, stored=True) if each.missing]
    wrong = {each.key for each in misfits}
    found = {key: _default(key, whole, shipped) for key in lacking if key not in wrong}
    filled = [key for key, value in found.items() if value is not None]
    for key in filled:
        OmegaConf.update(config, key, found[key])
    if filled:
        whole, misfits = _typed(config, verb)
    problems = [_problem(each, whole) for each in misfits]
    invalid = [each for each in invalid_values(whole, stored=True) if each.key not in wrong]
    problems += [Problem(f"{each.key}={each.value}", each.why) for each in invalid]
    if problems:
        return dict(stored), filled, problems
    content: Any = OmegaConf.to_container(whole, resolve=True)
    return content, filled, []


def _default(key: str, stored: DictConfig, shipped: DictConfig) -> Any:
    """Return the default of a setting for the class that has it; None if there is none."""
    node = _node_of(key, stored)
    target, usual = (OmegaConf.select(each, f"{node}._target_") for each in (stored, shipped))
    if not node or target == usual:
        return OmegaConf.select(shipped, key)
    name = key.removeprefix(f"{node}.")
    folders = [conf_dir(), *conf_folders()]
    group = node.replace(".", "/")
    choices = {file.stem for folder in folders for file in (folder / group).glob("*.yaml")}
    files = [values_of(f"{group}/{choice}", folders) for choice in sorted(choices)]
    values = {file[name] for file in files if file.get("_target_") == target and name in file}
    if len(values) == 1:  # files of one class may differ, and nobody knows which of them the run had
        return OmegaConf.select(OmegaConf.create(f"value: {values.pop()}"), "value")
    is_shared = usual is not None and not values and _share(name, settings_class(usual), target)
    return OmegaConf.select(shipped, key) if is_shared else None


def _node_of(key: str, config: DictConfig) -> str:
    """Return the innermost node above a key that names a class; "" if there is none."""
    node = key.rpartition(".")[0]
    while node and OmegaConf.select(config, f"{node}._target_") is None:
        node = node.rpartition(".")[0]
    return node


def _share(name: str, usual: type[Any], target: str) -> bool:
    """Return whether a setting of a target is declared by a class that ``usual`` inherits from as well."""
    try:
        mro = settings_class(target, shared_base(usual), stored=True).__mro__
    except EtudeError:  # a misfit of its own
        return False
    return any(
        name.partition(".")[0] in vars(each).get("__annotations__", {})
        for each in mro
        if issubclass(usual, each)
    )


def _typed(config: DictConfig, verb: str) -> tuple[DictConfig, list[Misfit]]:
    cls = root_class(verb)
    assert cls is not None
    return typed(config, cls, stored=True)


def _problem(misfit: Misfit, whole: DictConfig) -> Problem:
    if not misfit.why:
        return Problem(misfit.key, f"no such key{did_you_mean(misfit.key, keys_of(whole))}")
    return Problem(f"{misfit.key}={misfit.value}", misfit.why)
