"""Hydra, set up our way: our folder, our schemas, and each file read once."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult

from etude.config.conf_files import conf_dir
from etude.config.schema import register
from etude.errors import EtudeError

VERSION_BASE = "1.3"
HIDDEN = ("schema", "shared")  # types, and values that several files build on


class _Repository(ConfigRepository):
    """Reads each file once, so that editing YAML during a sweep does not change the jobs still to come."""

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        self._seen: dict[str, ConfigResult] = {}
        super().__init__(config_search_path)

    def load_config(self, config_path: str) -> ConfigResult | None:
        if config_path not in self._seen:
            loaded = super().load_config(config_path)
            if loaded is None:
                return None
            # else a plugin's schema of the same name would be laid under our file, which is whole by itself
            loaded.is_schema_source = True
            self._seen[config_path] = loaded
        # Hydra composes into the very nodes it is given
        return copy.deepcopy(self._seen[config_path])

    def __deepcopy__(self, memo: dict[int, Any]) -> _Repository:
        # Hydra copies its repository for each composition, which would forget what was read
        return self


class Loader(ConfigLoaderImpl):
    """Hydra's loader, without the schemas among the groups that it lists and completes."""

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        super().__init__(config_search_path)
        self.repository = _Repository(config_search_path)

    def get_group_options(
        self,
        group_name: str,
        results_filter: ObjectType | None = ObjectType.CONFIG,
        config_name: str | None = None,
        overrides: list[str] | None = None,
    ) -> list[str]:
        """Return a group's options, as Hydra does, schemas excepted."""
        options = super().get_group_options(group_name, results_filter, config_name, overrides)
        return [
            option for option in options if f"{group_name}/{option}".strip("/").split("/")[0] not in HIDDEN
        ]


@contextmanager
def session(folder: Path | None = None, extra: Path | None = None) -> Iterator[Hydra]:
    """Set Hydra up on a folder of YAML (None: the shipped one), and put its global state back afterwards.

    ``extra`` is a further folder, Hydra's `--config-dir`. Raises EtudeError if it does not exist.
    """
    register()
    version.setbase(VERSION_BASE)
    search_path = create_config_search_path(str((folder or conf_dir()).resolve()))
    if extra is not None:
        if not extra.is_dir():
            raise EtudeError(f"--config-dir {extra}: no such folder")
        anchor = SearchPathQuery(provider="schema")
        search_path.prepend(provider="command-line", path=f"file://{extra.resolve()}", anchor=anchor)
    before, before_config = GlobalHydra.instance().hydra, HydraConfig.instance().cfg
    GlobalHydra.instance().clear()
    hydra = Hydra(task_name="etude", config_loader=Loader(search_path))
    GlobalHydra.instance().initialize(hydra)
    try:
        yield hydra
    finally:
        GlobalHydra.instance().hydra = before
        HydraConfig.instance().cfg = before_config
