"""Values of a stored configuration replaced by today's: addresses, folders, loggers, devices."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from hydra.core.hydra_config import HydraConfig

from etude.addresses import without_credentials
from etude.config.conf_files import conf_dir
from etude.errors import EtudeError
from etude.plain_names import check_name

MIRROR, DATA_DIR = "ETUDE_DATA_MIRROR", "ETUDE_DATA_DIR"
_TODAYS_TRAINER = ("accelerator", "devices", "strategy")


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
    """Return a stored training configuration with addresses, folders and devices from ``defaults``.

    The data as in :func:`data_today`; the settings of each logger that it uses; the devices.
    """
    config = dict(stored)
    if isinstance(config.get("data"), Mapping):
        config["data"] = data_today(config["data"])
    if isinstance(config.get("logger"), Mapping):
        config["logger"] = logger_today(config["logger"], defaults)
    if isinstance(config.get("trainer"), Mapping):
        today = {key: defaults["trainer"][key] for key in _TODAYS_TRAINER if key in config["trainer"]}
        config["trainer"] = {**config["trainer"], **today}
    return config


def logger_today(stored: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the loggers of a stored configuration, with today's settings for those that use the network."""
    if not stored.get("wandb"):
        return dict(stored)
    return {**stored, "wandb": defaults["logger"]["wandb"]}


def _published(stored: object) -> dict[str, Any]:
    name = stored.get("name") if isinstance(stored, Mapping) else None
    check_name(name, "data.published.name")
    for file in _data_files():
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
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
