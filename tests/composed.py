"""Composed configurations, each composed once in a process: Hydra takes a third of a second for one."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from etude.config.compose import Checker, plain, resolved
from etude.config.problems import ConfigError
from etude.config.session import session


def composed(verb: str, *overrides: str) -> dict[str, Any]:
    """Return the resolved configuration of a command line as plain values, which may be changed."""
    return copy.deepcopy(_composed(verb, overrides))


@cache
def _composed(verb: str, overrides: tuple[str, ...]) -> dict[str, Any]:
    with session():
        config, problems = checker_of(verb).check(overrides)
        if problems or config is None:
            raise ConfigError(problems, f"etude {verb}")
        return plain(resolved(config))


@cache
def checker_of(verb: str) -> Checker:
    """Return the checker of a command, which reads each file of the shipped conf/ once in a process."""
    with session() as hydra:
        return Checker(hydra.config_loader, verb)
