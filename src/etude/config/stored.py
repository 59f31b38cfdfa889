"""Checks of a stored configuration against today's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from etude.config.problems import Problem, did_you_mean
from etude.config.schema import Misfit, typed
from etude.config.targets import root_class
from etude.config.validation import invalid_values, keys_of


def check_stored(
    stored: Mapping[str, Any], defaults: Mapping[str, Any], verb: str = "train"
) -> tuple[dict[str, Any], list[str], list[Problem]]:
    """Check the resolved config of a training, or of another verb, against today's settings classes.

    Return the config, with newer settings filled in from ``defaults``; the names of these settings;
    and what this version cannot use (unknown keys, wrong values), in which case the config is not whole.
    """
    config, shipped = OmegaConf.create(dict(stored)), OmegaConf.create(dict(defaults))
    whole, misfits = _typed(config, verb)
    lacking = [invalid.key for invalid in invalid_values(whole, stored=True) if invalid.missing]
    wrong = {each.key for each in misfits}
    filled = [key for key in lacking if key not in wrong and OmegaConf.select(shipped, key) is not None]
    for key in filled:
        OmegaConf.update(config, key, OmegaConf.select(shipped, key))
    if filled:
        whole, misfits = _typed(config, verb)
    problems = [_problem(each, whole) for each in misfits]
    found = [each for each in invalid_values(whole, stored=True) if each.key not in wrong]
    problems += [Problem(f"{each.key}={each.value}", each.why) for each in found]
    if problems:
        return dict(stored), filled, problems
    content: Any = OmegaConf.to_container(whole, resolve=True)
    return content, filled, []


def _typed(config: DictConfig, verb: str) -> tuple[DictConfig, list[Misfit]]:
    cls = root_class(verb)
    assert cls is not None
    return typed(config, cls, stored=True)


def _problem(misfit: Misfit, whole: DictConfig) -> Problem:
    if not misfit.why:
        return Problem(misfit.key, f"no such key{did_you_mean(misfit.key, keys_of(whole))}")
    return Problem(f"{misfit.key}={misfit.value}", misfit.why)
