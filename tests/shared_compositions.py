"""Compositions of the shipped conf/, shared by the tests of a process: a command composes five times.

tests/config, which tests the composition itself, does not share them.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hydra._internal import config_loader_impl, defaults_list
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode

from etude.config.compose import Checker, plain, resolved
from etude.config.conf_files import conf_dir
from etude.config.copies import Original
from etude.config.frozen import Freezer
from etude.config.hydra_adapter import Loader, _Files, names_target
from etude.config.resolved import ResolvedConfig
from etude.config.session import session
from etude.runs.code_hash import training_code

_known: dict[Any, Any] = {}  # by the choices alone: lines with values hardly recur
_composed: dict[Any, Any] = {}  # by the files that Hydra composes
_listed: dict[Any, defaults_list.DefaultsList] = {}  # by the choices: the files that Hydra composes
_defaults: dict[Any, dict[Any, Any]] = {}  # of each command, by the choices
_warmed: set[tuple[str, ...]] = set()
_files: dict[str, Original[ConfigResult]] = {}  # by the name of the file: its content
_read, _load, _list, _begin = (
    _Files.load_config,
    Loader.load_configuration,
    defaults_list.create_defaults_list,
    Freezer.__init__,
)


def _is_shipped(loader: Any) -> bool:
    """Whether a loader reads the shipped conf/ alone, which no test changes."""
    places = [each.path for each in loader.config_search_path.get_path()]
    folders = [place for place in places if not place.startswith(("pkg://", "structured://"))]
    return folders == [str(conf_dir().resolve())]


def _share_defaults(found: Freezer, checker: Checker, target: str = "") -> None:
    _begin(found, checker, target)
    if _is_shipped(checker.loader):
        environment = tuple(map(os.environ.get, ("ETUDE_DATA_DIR", "ETUDE_DATA_MIRROR")))
        found._known = _defaults.setdefault((checker.config_name, *environment), {})


def _list_once(
    repo: Any, config_name: str | None, overrides_list: list[Any], **how: Any
) -> defaults_list.DefaultsList:
    """List the files of the same choices once; settings choose none."""
    overrides = defaults_list.Overrides(repo, overrides_list)
    folders = [each.path for each in repo.get_sources() if each.scheme() == "file"]
    if folders != [str(conf_dir().resolve())] or overrides.deletions or overrides.append_group_defaults:
        return _list(repo, config_name, overrides_list, **how)
    key = (config_name, str(overrides.override_choices), *sorted(how.items()))
    if key not in _listed:
        _listed[key] = _list(repo, config_name, overrides_list, **how)
    return dataclasses.replace(_listed[key], config_overrides=overrides.config_overrides)


def _read_once(folder: _Files, config_path: str) -> ConfigResult:
    """Read each file of the shipped conf/ once: every command line reads some thirty."""
    if folder.path != str(conf_dir().resolve()):
        return _read(folder, config_path)
    if config_path not in _files:
        _files[config_path] = Original(_read(folder, config_path))
    return _files[config_path].copy()


def _load_once(loader: Loader, config_name: str | None, overrides: list[str], *rest: Any, **more: Any) -> Any:
    if not _is_shipped(loader) or any(map(names_target, overrides)):
        return _load(loader, config_name, overrides, *rest, **more)  # files or classes that a test may change
    loader._composed = _composed
    if len(choices(overrides)) < len(overrides):
        return _load(loader, config_name, overrides, *rest, **more)
    key = (config_name, tuple(overrides), rest, tuple(sorted(more.items())))
    if key not in _known:
        _known[key] = Original(_load(loader, config_name, overrides, *rest, **more)), loader.wrong
    known, loader.wrong = _known[key]
    config = known.copy()
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
            patch.setattr(Freezer, "__init__", _share_defaults)
            patch.setattr(_Files, "load_config", _read_once)
            patch.setattr(config_loader_impl, "create_defaults_list", _list_once)
        yield


@cache
def warm_usual(verb: str) -> None:
    """Compose the usual choices of a command in this process, for the processes that it forks."""
    with session() as hydra:
        Checker(hydra.config_loader, verb).base(())


def warm(lines: tuple[str, ...]) -> None:
    """Compose the choices of a training in this process, for the processes that it forks."""
    if choices(lines) in _warmed or any(line.startswith("-") or names_target(line) for line in lines):
        return
    _warmed.add(choices(lines))
    with session() as hydra:
        checker = Checker(hydra.config_loader, "train")
        config, problems = checker.check(lines)
        if config is not None and not problems:
            checker.loader.load_configuration("train", list(lines), RunMode.RUN)  # as a single job is run
            settled = ResolvedConfig(plain(resolved(config)))
            Freezer(checker).defaults(config.hydra.runtime.choices, settled)
            training_code(settled)  # it caches the imports of every file
