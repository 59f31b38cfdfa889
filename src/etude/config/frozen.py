"""A job whose configuration is settled: what was typed, and every value that follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from omegaconf.errors import InterpolationToMissingValueError

from etude.config.compose import Checker, compose, plain, resolved
from etude.config.problems import ConfigError


@dataclass(frozen=True)
class FrozenJob:
    """What a job needs of the command line and of conf/, as plain values that go into a file.

    ``target`` is the "module:function" to call with ``config``; ``defaults`` are the values of the same group
    choices without a single key changed, which say what sets the job apart.
    """

    target: str
    overrides: tuple[str, ...]
    config: dict[str, Any]
    defaults: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a file holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> FrozenJob:
        """Return the job that a file holds."""
        return cls(**{**content, "overrides": tuple(content["overrides"])})


class Freezer:
    """Freezes the checked jobs of one command line; composes the defaults that they share only once."""

    def __init__(self, checker: Checker, target: str) -> None:
        self._checker = checker
        self._target = target
        self._defaults: dict[tuple[str, ...], dict[str, Any]] = {}

    def freeze(self, config: DictConfig, overrides: Sequence[str]) -> FrozenJob:
        """Freeze a job, given its checked configuration with Hydra's keys, just after it was checked."""
        settled = plain(resolved(config))
        defaults = self._defaults_of(default_lines(config.hydra.runtime.choices, settled), settled)
        return FrozenJob(self._target, tuple(overrides), settled, defaults)

    def _defaults_of(self, lines: list[str], settled: dict[str, Any]) -> dict[str, Any]:
        key = tuple(lines)
        if key not in self._defaults:
            config, problems = self._checker.check(lines, may_miss=True)
            self._defaults[key] = settled
            if config is not None and not problems:
                with suppress(InterpolationToMissingValueError):  # then nothing can be said of them
                    self._defaults[key] = plain(resolved(config))
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
    """Let :func:`acting_job` return ``job`` inside."""
    token = _acting.set(job)
    try:
        yield
    finally:
        _acting.reset(token)


def acting_job() -> FrozenJob | None:
    """Return the frozen job that is being run; None where the configuration was composed on the spot."""
    return _acting.get()


def chosen_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the training ``config`` with the same group choices and no key changed."""
    job = acting_job()
    if job is not None and job.defaults:
        return job.defaults
    choices = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    try:
        return plain(compose("train", default_lines(choices, config)))
    except ConfigError:  # a choice of the user's own, from --config-dir, which composes only with that
        return config
