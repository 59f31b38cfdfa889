"""Frozen jobs: the overrides as typed, and the resolved configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from omegaconf.errors import InterpolationToMissingValueError

from etude.config.compose import Checker, compose, plain, resolved
from etude.config.fields import for_json, from_json
from etude.config.problems import ConfigError
from etude.config.resolved import ResolvedConfig


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

    def __init__(self, checker: Checker, target: str) -> None:
        self._checker = checker
        self._target = target
        self._defaults: dict[tuple[str, ...], ResolvedConfig] = {}

    def freeze(self, config: DictConfig, overrides: Sequence[str]) -> FrozenJob:
        """Freeze a job just after its check; ``config`` includes Hydra's keys."""
        settled = ResolvedConfig(plain(resolved(config)))
        defaults = self._defaults_of(default_lines(config.hydra.runtime.choices, settled), settled)
        return FrozenJob(self._target, tuple(overrides), settled, defaults)

    def _defaults_of(self, lines: list[str], settled: ResolvedConfig) -> ResolvedConfig:
        key = tuple(lines)
        if key not in self._defaults:
            config, problems = self._checker.check(lines, may_miss=True)
            self._defaults[key] = settled
            if config is not None and not problems:
                with suppress(InterpolationToMissingValueError):  # then nothing can be said of them
                    self._defaults[key] = ResolvedConfig(plain(resolved(config)))
        return self._defaults[key]


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
    """Make :func:`acting_job` return ``job`` inside the block."""
    token = _acting.set(job)
    try:
        yield
    finally:
        _acting.reset(token)


def acting_job() -> FrozenJob | None:
    """Return the frozen job being run; None if the configuration was composed in this process."""
    return _acting.get()


def chosen_defaults(config: ResolvedConfig) -> ResolvedConfig:
    """Return the settings of the training ``config`` with the same group choices and no key changed."""
    job = acting_job()
    if job is not None and job.defaults:
        return job.defaults
    choices = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    try:
        return ResolvedConfig(plain(compose("train", default_lines(choices, config))))
    except ConfigError:  # a choice of the user's own, from --config-dir, which composes only with that
        return config
