"""Hydra set up for Étude: config folder, typed settings, each file read once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig

from etude.config.conf_files import conf_dir
from etude.config.hydra_adapter import Hydra, Loader, behave_as_current, create_config_search_path
from etude.config.plugins import conf_folders
from etude.errors import EtudeError


@contextmanager
def session(
    folder: Path | None = None, extra: Path | None = None, root: type[Any] | None = None
) -> Iterator[Hydra]:
    """Set up Hydra on a folder of YAML (None: the shipped one); restore its global state afterwards.

    ``extra`` is a further folder, Hydra's `--config-dir`. ``root`` is the settings class of configurations
    that are none of the commands' own. The conf/ folders of plug-ins add to the shipped one. EtudeError if
    the further folder does not exist, or a plug-in has a file of a name that is taken.
    """
    behave_as_current()
    search_path = create_config_search_path(str((folder or conf_dir()).resolve()))
    for plugin in conf_folders() if folder is None else ():
        _check_new(plugin)
        search_path.append(provider="plugin", path=f"file://{plugin.resolve()}")
    if extra is not None:
        if not extra.is_dir():
            raise EtudeError(f"--config-dir {extra}: no such folder")
        anchor = SearchPathQuery(provider="schema")
        search_path.prepend(provider="command-line", path=f"file://{extra.resolve()}", anchor=anchor)
    before, before_config = GlobalHydra.instance().hydra, HydraConfig.instance().cfg
    GlobalHydra.instance().clear()
    hydra = Hydra(task_name="etude", config_loader=Loader(search_path, root))
    GlobalHydra.instance().initialize(hydra)
    try:
        yield hydra
    finally:
        GlobalHydra.instance().hydra = before
        HydraConfig.instance().cfg = before_config


def _check_new(plugin: Path) -> None:
    """Raise EtudeError for a file of a plug-in that a shipped one would hide."""
    shipped = conf_dir()
    for file in sorted(plugin.rglob("*.yaml")):
        if (shipped / file.relative_to(plugin)).is_file():
            raise EtudeError(f"{file}: Étude has a file of this name; give yours another")
