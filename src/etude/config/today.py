"""Values of a stored configuration replaced by today's: addresses, folders, loggers, devices."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig

from etude.addresses import without_credentials
from etude.config.conf_files import conf_dir
from etude.config.plugins import is_enabled
from etude.config.yaml_files import read_conf
from etude.errors import EtudeError
from etude.plain_names import check_name

MIRROR, DATA_DIR = "ETUDE_DATA_MIRROR", "ETUDE_DATA_DIR"
_TODAYS_TRAINER = ("accelerator", "devices", "num_nodes", "strategy")


def data_today(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored settings of a corpus with today's addresses and folders.

    A stranger may have stored them: a published file is looked up by its name in conf/, a mirror and the data
    folder are those of the environment. EtudeError for a published file that conf/ does not name.
    """
    data = dict(stored)
    if "name" in data:
        check_name(data["name"], "data.name")
    if "published" in data:
        data["published"] = _published(data["published"])
    if "mirror" in data:
        data["mirror"] = without_credentials(os.environ.get(MIRROR, "")) or None
    if "data_dir" in data:
        data["data_dir"] = os.environ.get(DATA_DIR) or "data"
    return data


def for_today(stored: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored training configuration as in :func:`places_today`, with devices from ``defaults``."""
    config = places_today(stored, defaults)
    if isinstance(config.get("trainer"), Mapping):
        today = {key: defaults["trainer"][key] for key in _TODAYS_TRAINER if key in config["trainer"]}
        config["trainer"] = {**config["trainer"], **today}
    return config


def places_today(stored: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored configuration with today's data, loggers and callbacks, each by its function."""
    config = dict(stored)
    if isinstance(config.get("data"), Mapping):
        config["data"] = data_today(config["data"])
    if isinstance(config.get("logger"), Mapping):
        config["logger"] = logger_today(config["logger"], defaults)
    if isinstance(config.get("callbacks"), Mapping):
        config["callbacks"] = callbacks_today(config["callbacks"])
    return config


def logger_today(stored: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the loggers of a stored configuration, with today's settings for those that use the network.

    Others under a name of their own may use it too, or write anywhere: they are kept only if their class is
    of an enabled package.
    """
    kept = {name: node for name, node in stored.items() if _is_kept(node)}
    return {**kept, "wandb": defaults["logger"]["wandb"]} if stored.get("wandb") else kept


def callbacks_today(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the callbacks of a stored configuration, which write to the folder of their run.

    EtudeError for one that names another place.
    """
    callbacks = dict(stored)
    for name, node in stored.items():
        if isinstance(node, Mapping):
            callbacks[name] = {key: value for key, value in node.items() if key != "dirpath"}
            _check_inside(f"callbacks.{name}", callbacks[name])
    return callbacks


def _check_inside(key: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, each in value.items():
            _check_inside(f"{key}.{name}", each)
    elif isinstance(value, list | tuple):
        for each in value:
            _check_inside(key, each)
    elif isinstance(value, str) and (value.startswith(("/", "\\", "~")) or ".." in value or ":" in value):
        raise EtudeError(f"{key}={value}: a stored run writes to its own folder alone")


def _is_kept(node: Any) -> bool:
    return not (isinstance(node, Mapping) and "_target_" in node) or is_enabled(str(node["_target_"]))


def _published(stored: object) -> dict[str, Any]:
    name = stored.get("name") if isinstance(stored, Mapping) else None
    check_name(name, "data.published.name")
    for file in _data_files():
        content = read_conf(file)
        found = content.get("published") if isinstance(content, dict) else None
        if isinstance(found, dict) and found.get("name") == name:
            return found
    raise EtudeError(
        f"the published file {name} is in no conf/data/*.yaml, so Étude does not know where it comes from; "
        "--config-dir DIR adds a folder that names it"
    )


def _data_files() -> list[Path]:
    folders = [conf_dir()]
    if HydraConfig.initialized():
        sources = HydraConfig.get().runtime.config_sources
        folders += [Path(each.path) for each in sources if each.schema == "file"]
    return [file for folder in folders for file in sorted((folder / "data").glob("*.yaml"))]
