"""Compositions of the shipped conf/, shared by the tests of a process: a command composes five times.

tests/config, which tests the composition itself, does not share them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from etude.config.compose import Checker, plain, resolved
from etude.config.conf_files import conf_dir
from etude.config.frozen import Defaults
from etude.config.hydra_adapter import Loader, names_target
from etude.config.resolved import ResolvedConfig
from etude.config.session import session
from etude.runs.code_hash import training_code

_known: dict[Any, Any] = {}  # by the choices alone: lines with values hardly recur
_composed: dict[Any, Any] = {}  # by the files that Hydra composes
_warmed: set[tuple[str, ...]] = set()
_load = Loader.load_configuration


def _load_once(loader: Loader, config_name: str | None, overrides: list[str], *rest: Any, **more: Any) -> Any:
    places = [each.path for each in loader.config_search_path.get_path()]
    folders = [place for place in places if not place.startswith(("pkg://", "structured://"))]
    if folders != [str(conf_dir().resolve())] or any(map(names_target, overrides)):
        return _load(loader, config_name, overrides, *rest, **more)  # files or classes that a test may change
    loader._composed = _composed
    if len(choices(overrides)) < len(overrides):
        return _load(loader, config_name, overrides, *rest, **more)
    key = (config_name, tuple(overrides), rest, tuple(sorted(more.items())))
    if key not in _known:
        _known[key] = _load(loader, config_name, overrides, *rest, **more), loader.wrong
    config, loader.wrong = _known[key]
    config = copy.deepcopy(config)
    config.hydra.runtime.cwd = str(Path.cwd())
    return config


def choices(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the overrides without those of dotted keys."""
    return tuple(line for line in lines if "." not in line.partition("=")[0])


@pytest.fixture(scope="module", autouse=True)
def shared_compositions(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compose the same choices and settings only once in a test process."""
    with pytest.MonkeyPatch.context() as patch:
        if request.path.parent.name != "config":
            patch.setattr(Loader, "load_configuration", _load_once)
        yield


def warm(lines: tuple[str, ...]) -> None:
    """Compose the choices of a training in this process, for the processes that it forks."""
    if choices(lines) in _warmed or any(line.startswith("-") or names_target(line) for line in lines):
        return
    _warmed.add(choices(lines))
    with session() as hydra:
        checker = Checker(hydra.config_loader, "train")
        config, problems = checker.check(lines)
        if config is not None and not problems:
            settled = ResolvedConfig(plain(resolved(config)))
            Defaults(checker).of(config.hydra.runtime.choices, settled)
            training_code(settled)  # it caches the imports of every file
