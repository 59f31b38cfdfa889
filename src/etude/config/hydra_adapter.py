"""Adapter for Hydra's private API; tests/config/test_hydra_adapter.py is its contract."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple

import hydra
from hydra import version
from hydra._internal import defaults_list
from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from omegaconf import DictConfig, OmegaConf

from etude.config.copies import Original
from etude.config.schema import Misfit, replace_target, typed
from etude.config.targets import root_class
from etude.config.yaml_files import parse_conf, read_conf_text

__all__ = ["Callbacks", "Hydra", "create_config_search_path"]  # handed on as they are

BASIC_SWEEPER = f"{BasicSweeper.__module__}.{BasicSweeper.__qualname__}"


_interpolation_map = getattr(defaults_list, "_create_interpolation_map", None)  # Hydra 1.4 has none


def _map_if_needed(overrides: Any, defaults: list[Any], self_added: bool) -> DictConfig | None:
    """Return the choices that interpolated defaults refer to, if there are any such defaults."""
    needed = any(default.is_interpolation() for default in defaults)
    return _interpolation_map(overrides, defaults, self_added) if _interpolation_map and needed else None


def behave_as_current() -> None:
    """Set Hydra's version base to its own version; the default is 1.1, with a warning.

    Also keep Hydra 1.3 from making a map for each file that is composed: a sixth of the time.
    """
    if _interpolation_map is not None:
        defaults_list._create_interpolation_map = _map_if_needed  # type: ignore[assignment]
    version.VersionBase.instance().setbase(version._get_version(hydra.__version__))


def argument_parser() -> ArgumentParser:
    """Return the parser of Hydra's own flags, which also collects overrides."""
    return get_args_parser()


def option_strings() -> list[str]:
    """Return every spelling of Hydra's own flags."""
    return [option for action in get_args_parser()._actions for option in action.option_strings]


def batches(trainings: Sequence[Any], size: int | None) -> Iterator[list[Any]]:
    """Yield the jobs in batches of a size; None: all in one batch."""
    yield from BasicSweeper.split_overrides_to_chunks(list(trainings), size) if trainings else ()


def apply_override(override: Override, config: DictConfig) -> None:
    """Apply one override to a composed configuration; ConfigCompositionException if it is invalid."""
    ConfigLoaderImpl._apply_overrides_to_config([override], config)


def parse_override(line: str) -> Override:
    """Parse one override; HydraException for a syntax error."""
    override = OverridesParser.create().parse_rule(line, "override")
    assert isinstance(override, Override)
    return override


HIDDEN = ("shared",)  # values that several files build on


def names_target(line: str) -> bool:
    """Return whether an override sets a `_target_`, which decides the keys beside it."""
    return not line.startswith("~") and line.partition("=")[0].endswith("._target_")


class _Files(FileConfigSource):
    """Folder of YAML files, read by :mod:`etude.config.yaml_files`."""

    def load_config(self, config_path: str) -> ConfigResult:
        path = Path(self.path, self._normalize_file_name(config_path))
        if not path.is_file():
            raise ConfigLoadError(f"Config not found : {path}")
        text = read_conf_text(path)
        content = parse_conf(text, path)
        return ConfigResult(
            config=OmegaConf.create({} if content is None else content),
            path=f"{self.scheme()}://{self.path}",
            provider=self.provider,
            header=ConfigSource._get_header_dict(text),
        )


class _Repository(ConfigRepository):
    """Config repository that reads each file once: edits during a sweep do not change later jobs."""

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        self._seen: dict[str, Original[ConfigResult]] = {}
        super().__init__(config_search_path)

    def initialize_sources(self, config_search_path: ConfigSearchPath) -> None:
        super().initialize_sources(config_search_path)
        self.sources = [
            _Files(each.provider, each.path) if each.scheme() == _Files.scheme() else each
            for each in self.sources
        ]

    def load_config(self, config_path: str) -> ConfigResult | None:
        if config_path not in self._seen:
            loaded = super().load_config(config_path)
            if loaded is None:
                return None
            # else a plugin's schema of the same name would be laid under our file, which is whole by itself
            loaded.is_schema_source = True
            self._seen[config_path] = Original(loaded)
        # Hydra composes into the very nodes it is given
        return self._seen[config_path].copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> _Repository:
        # Hydra copies its repository for each composition, which would forget what was read
        return self


class WrongKey(NamedTuple):
    """A :class:`Misfit` and the name of its file, without the suffix."""

    misfit: Misfit
    file: str


class Loader(ConfigLoaderImpl):
    """Hydra's loader, extended to type the composed configuration and to hide internal groups.

    ``wrong``: what did not fit at the last composition. ``root``: the settings class of a configuration that
    is none of the commands' own (`--config-name`).
    """

    def __init__(self, config_search_path: ConfigSearchPath, root: type[Any] | None = None) -> None:
        super().__init__(config_search_path)
        self.repository = _Repository(config_search_path)
        self.wrong: list[WrongKey] = []
        self._root = root
        self._cls: type[Any] | None = None
        self._targets: list[Override] = []
        self._composed: dict[Hashable, tuple[Original[DictConfig], list[WrongKey]]] = {}

    def load_configuration(
        self, config_name: str | None, overrides: list[str], *rest: Any, **more: Any
    ) -> DictConfig:
        """Compose as Hydra does, but apply overrides to the typed configuration."""
        self._cls = root_class(config_name or "") or self._root
        named = [line for line in overrides if names_target(line)]
        self._targets = OverridesParser.create().parse_overrides(named)
        # a node that is added has its `_target_` by the time that Hydra applies the overrides
        lines = [line.lstrip("+") if names_target(line) else line for line in overrides]
        return super().load_configuration(config_name, lines, *rest, **more)

    def _compose_config_from_defaults_list(self, defaults: list[Any], repo: Any) -> DictConfig:
        """Compose the same files only once: a command does it again for each job and for its defaults."""
        targets = (each.input_line for each in self._targets)
        key = (self._cls, *targets, *map(astuple, defaults))
        if key not in self._composed:
            config = self._compose_and_type(defaults, repo)
            self._composed[key] = Original(config), self.wrong
        composed, self.wrong = self._composed[key]
        return composed.copy()

    def _compose_and_type(self, defaults: list[Any], repo: Any) -> DictConfig:
        plain = super()._compose_config_from_defaults_list(defaults, repo)
        self.wrong = []
        if self._cls is None:
            return plain
        for override in self._targets:  # they decide which other keys there are
            is_there = OmegaConf.select(plain, override.key_or_group) is not None
            if is_there or override.type != OverrideType.CHANGE:
                replace_target(plain, override.key_or_group, override.value())
        config, misfits = typed(plain, self._cls)
        self.wrong = [WrongKey(misfit, self._file_of(misfit.key, defaults, repo)) for misfit in misfits]
        return config

    def _file_of(self, key: str, defaults: list[Any], repo: Any) -> str:
        """Return the last of the composed files that has a key."""
        for default in reversed(defaults):
            config = self._load_single_config(default, repo).config
            parent, _, last = key.rpartition(".")
            node = OmegaConf.select(config, parent) if parent else config
            if isinstance(node, DictConfig) and last in node.keys():  # noqa: SIM118  (`in` hides missing values)
                return str(default.config_path)
        return str(defaults[-1].config_path)

    def folders(self) -> list[Path]:
        """Return the folders of the search path, first those that come first."""
        return [Path(source.path) for source in self.repository.get_sources() if source.scheme() == "file"]

    def get_group_options(
        self,
        group_name: str,
        results_filter: ObjectType | None = ObjectType.CONFIG,
        config_name: str | None = None,
        overrides: list[str] | None = None,
    ) -> list[str]:
        """Return a group's options, without the hidden ones."""
        options = super().get_group_options(group_name, results_filter, config_name, overrides)
        return [
            option for option in options if f"{group_name}/{option}".strip("/").split("/")[0] not in HIDDEN
        ]
