"""Frozen jobs: the overrides as typed, and the resolved configuration."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from omegaconf.errors import InterpolationToMissingValueError

from etude.config.compose import Checker, plain, resolved
from etude.config.fields import for_json, from_json
from etude.config.resolved import ResolvedConfig
from etude.config.session import session


@dataclass(frozen=True)
class FrozenJob:
    """A job's overrides and resolved configuration as plain values, ready to be stored.

    ``target`` is the "module:function" to call with ``config``; ``defaults`` are the values of the same group
    choices with no key changed; the difference from them names the job.
    """

    target: str
    overrides: tuple[str, ...]
    config: ResolvedConfig
    defaults: ResolvedConfig

    def as_dict(self) -> dict[str, Any]:
        """Return the job as plain values for a file."""
        return {
            "target": self.target,
            "overrides": self.overrides,
            "config": for_json(self.config),
            "defaults": for_json(self.defaults),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> FrozenJob:
        """Return the job stored in a file."""
        config, defaults = (ResolvedConfig(from_json(content[key])) for key in ("config", "defaults"))
        return cls(content["target"], tuple(content["overrides"]), config, defaults)


class Freezer:
    """Freezes the checked jobs of one command line; composes their shared defaults only once."""

    def __init__(self, checker: Checker, target: str = "") -> None:
        self._checker, self._target = checker, target
        self._known: dict[tuple[str, ...], ResolvedConfig | None] = {}

    def freeze(self, config: DictConfig, overrides: Sequence[str]) -> FrozenJob:
        """Freeze a job just after its check; ``config`` includes Hydra's keys."""
        settled = ResolvedConfig(plain(resolved(config)))
        defaults = self.defaults(config.hydra.runtime.choices, settled)
        return FrozenJob(self._target, tuple(overrides), settled, defaults)

    def defaults(self, choices: Mapping[str, str | None], settled: ResolvedConfig) -> ResolvedConfig:
        """Return the settings of a job with the same group choices and no key changed.

        The job's own settings if they do not compose.

        The classes are those that the command takes of itself, or an experiment does, so that a chosen one
        counts as changed. The name of a run says what its model and corpus are, unless it was typed.
        """
        lines = default_lines(choices, settled)
        found = self._composed(lines) or settled
        usual = self._composed([line for line in lines if line.startswith("experiment=")])
        return found if usual is None else _with_classes_of(usual, found, settled)

    def _composed(self, lines: list[str]) -> ResolvedConfig | None:
        key = tuple(lines)
        if key not in self._known:
            config, problems = self._checker.check(lines, may_miss=True)
            self._known[key] = None
            if config is not None and not problems:
                with suppress(InterpolationToMissingValueError):  # then nothing can be said of them
                    self._known[key] = ResolvedConfig(plain(resolved(config)))
        return self._known[key]


def _with_classes_of(usual: ResolvedConfig, found: ResolvedConfig, settled: ResolvedConfig) -> ResolvedConfig:
    values = copy.deepcopy(found.as_dict())
    named = str(settled.get("name"))
    groups = [group for group in ("model", "data") if str(_part(settled, group).get("name")) not in named]
    for group in (*groups, "data.encoding", "optim", "schedule"):
        node, other = _part(values, group), _part(usual, group)
        if "_target_" in node and "_target_" in other:
            node["_target_"] = other["_target_"]
    return ResolvedConfig(values)


def _part(config: Mapping[str, Any], group: str) -> Any:
    part: Any = config
    for name in group.split("."):
        part = part.get(name) if isinstance(part, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def default_lines(choices: Mapping[str, str | None], config: Mapping[str, Any]) -> list[str]:
    """Return the overrides that make the same group choices and change no key."""
    lines = [
        f"{group}={choice}"
        for group, choice in choices.items()
        if choice is not None and not group.startswith(("hydra/", "debug"))
    ]
    if "path" in config.get("data", {}):
        lines.append("data.path=anywhere")  # it must be given, and does not count
    return lines


_acting: ContextVar[FrozenJob | None] = ContextVar("acting", default=None)


@contextmanager
def acting(job: FrozenJob) -> Iterator[None]:
    """Make ``job`` the one being run inside the block, so that its defaults are those of its training."""
    token = _acting.set(job)
    try:
        yield
    finally:
        _acting.reset(token)


def chosen_defaults(config: ResolvedConfig) -> ResolvedConfig:
    """Return the settings of the training ``config`` with the same group choices and no key changed."""
    job = _acting.get()  # None if the configuration was composed in this process
    if job is not None and job.defaults:
        return job.defaults
    before: Any = HydraConfig.instance().cfg
    try:
        if before is not None:  # composed in this process, perhaps with --config-dir
            loader = GlobalHydra.instance().config_loader()
            choices, name = before.hydra.runtime.choices, before.hydra.job.config_name
            return Freezer(Checker(loader, name)).defaults(choices, config)
        with session() as hydra:
            return Freezer(Checker(hydra.config_loader, "train")).defaults({}, config)
    finally:
        HydraConfig.instance().cfg = before
