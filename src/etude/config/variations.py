"""Jobs of a sweep that differ in plain values: composed and checked once, then only where they differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from etude.config.compose import Checker
from etude.config.frozen import Freezer, FrozenJob
from etude.config.overrides import apply
from etude.config.problems import Problem
from etude.config.resolved import ResolvedConfig
from etude.config.validation import invalid_at

Path = tuple[str, ...]

_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")  # to a key by its whole name
_OF_NO_KEY = re.compile(r"\$\{(oc\.env|hydra|now):[^${}]*\}")  # interpolations that no key of a job changes


@dataclass
class _Last:
    """The last job of one kind: what was applied to its configuration, and the keys that follow others."""

    config: DictConfig
    frozen: FrozenJob
    lines: dict[str, str]  # the override of each key
    following: dict[Path, tuple[str, ...]]  # places of interpolations, with the keys they refer to


class Variations:
    """Checks and freezes the jobs of one command line, as Checker and Freezer do for each by itself.

    A job that differs from one before only in plain values of the same keys is made of that one.
    """

    def __init__(
        self, checker: Checker, freezer: Freezer, settings: Sequence[str], swept: Sequence[str] = ()
    ) -> None:
        self._checker, self._freezer, self._settings, self._swept = checker, freezer, settings, swept
        self._last: dict[tuple[str, ...], _Last] = {}

    def freeze(self, job: Sequence[str]) -> tuple[FrozenJob | None, DictConfig | None, list[Problem]]:
        """Return the frozen job, None if it has problems; its configuration; and its problems."""
        parsed = [self._checker.parse(line) for line in job]
        overrides = [each for each in parsed if isinstance(each, Override)]
        values = [each for each in overrides if not self._checker.is_structure(each)]
        keys = [each.key_or_group for each in values]
        kind = (*keys, "", *(str(each.input_line) for each in overrides if each not in values))
        plain_ones = len(overrides) == len(job) and all(map(_is_plain, values)) and _are_apart(keys)
        last = self._last.get(kind) if plain_ones else None
        if last is not None and (made := self._vary(last, values, job)) is not None:
            return made, last.config, []
        self._last.pop(kind, None)
        config, problems = self._checker.check([*self._settings, *job], swept=self._swept)
        if config is None or problems:
            return None, config, problems
        frozen = self._freezer.freeze(config, job)
        if plain_ones:
            lines = dict(zip(keys, (str(each.input_line) for each in values), strict=True))
            raw = OmegaConf.to_container(config, resolve=False)
            assert isinstance(raw, dict)
            raw.pop("hydra", None)
            self._last[kind] = _Last(config, frozen, lines, dict(_interpolations(raw)))
        return frozen, config, []

    def _vary(self, last: _Last, values: Sequence[Override], job: Sequence[str]) -> FrozenJob | None:
        """Turn the last job into this one; None if it has a problem, which the whole check then names."""
        content, changed = last.frozen.config.as_dict(), []
        for override in values:
            key, line = override.key_or_group, str(override.input_line)
            if last.lines[key] != line:
                if OmegaConf.is_config(OmegaConf.select(last.config, key)) or apply(
                    override, last.config, str
                ):
                    return None
                last.lines[key] = line
                changed.append(tuple(key.split(".")))
        try:
            for path in dict.fromkeys([*changed, *_followers(last.following, changed)]):
                if next(invalid_at(last.config, path), None):
                    return None
                content = _with(content, path, _plain_value(last.config, path))
        except OmegaConfBaseException:
            return None
        last.frozen = replace(last.frozen, overrides=tuple(job), config=ResolvedConfig(content))
        return last.frozen


def _are_apart(keys: Sequence[str]) -> bool:
    """Return whether no key is another's, or is above another."""
    return not any(
        other.startswith(f"{key}.") or (other == key and place != there)
        for place, key in enumerate(keys)
        for there, other in enumerate(keys)
    )


def _is_plain(override: Override) -> bool:
    """Return whether an override gives a key that exists a value that refers to no other."""
    value = override.value()
    scalar = value is None or isinstance(value, bool | int | float | str)
    return override.type == OverrideType.CHANGE and scalar and "${" not in str(value) and value != "???"


def _interpolations(content: Mapping[Any, Any], above: Path = ()) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the place of each value that refers to other keys, with those keys.

    The place of one in a list is that of the list. "" is any key, as for ``${.name}`` or a resolver.
    """
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _interpolations(value, (*above, key))
        elif "${" in (text := _OF_NO_KEY.sub("", str(value))):
            keys = _REFERENCE.findall(text)
            yield (*above, key), tuple(keys) if len(keys) == text.count("${") else ("",)


def _followers(following: Mapping[Path, Sequence[str]], changed: Sequence[Path]) -> list[Path]:
    """Return the places that refer to a changed key, or to a place that does."""
    moved, left = [".".join(path) for path in changed], dict(following)
    found: list[Path] = []
    while new := [path for path, keys in left.items() if any(_meet(k, m) for k in keys for m in moved)]:
        found += new
        moved = [".".join(path) for path in new]
        left = {path: keys for path, keys in left.items() if path not in new}
    return found


def _meet(key: str, other: str) -> bool:
    """Return whether two keys are the same, or one holds the other; "" holds all."""
    return not key or f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")


def _plain_value(config: DictConfig, path: Path) -> Any:
    node: Any = config
    for key in path:
        node = node[key]
    return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node


def _with(content: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return nested settings with another value at one place; the rest is shared."""
    key, *below = path
    return {**content, key: _with(content[key], tuple(below), value) if below else value}
