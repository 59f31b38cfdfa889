"""The shipped conf/: every knob explained, typed and composable."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import DictConfig, OmegaConf

from etude.cli import VERBS
from etude.config.compose import Checker
from etude.config.conf_files import conf_dir, groups_of, knobs_in
from etude.config.schema import register
from etude.config.session import session

FOLDER = conf_dir()
FILES = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.yaml"))
CONFIGS = sorted({verb.config for verb in VERBS.values()})  # several verbs share one
CHOICES = [
    (config, f"{group.name}={choice}")
    for config in CONFIGS
    for group in groups_of(config, [FOLDER])
    for choice in group.choices
]


def schemas() -> dict[str, list[str]]:
    """Each schema's path, such as schema/model/lstm, and its fields."""
    register()

    def walk(node: Any, path: str) -> dict[str, list[str]]:
        if isinstance(node, ConfigNode):
            found = OmegaConf.get_type(node.node)
            assert found is not None
            return {path.removesuffix(".yaml"): [field.name for field in dataclasses.fields(found)]}
        return {
            key: value for name, child in node.items() for key, value in walk(child, f"{path}/{name}").items()
        }

    return {
        path: fields
        for path, fields in walk(ConfigStore.instance().repo["schema"], "schema").items()
        if "toy" not in path
    }


def defaults(name: str) -> list[Any]:
    content = yaml.safe_load((FOLDER / f"{name}.yaml").read_text()) or {}
    return list(content.get("defaults", []))


def schemas_of(name: str) -> list[str]:
    """The schemas that a file pulls in, by itself or through the file it builds on."""
    found = []
    for entry in defaults(name):
        if isinstance(entry, str) and entry.startswith("/schema/"):
            found.append(entry.lstrip("/").partition("@")[0])
        elif isinstance(entry, str) and not entry.startswith(("/", "_self_")):
            found += schemas_of(f"{Path(name).parent.as_posix()}/{entry}".removeprefix("./"))
    return found


def keys_of(name: str) -> set[str]:
    groups = {
        key.split()[-1].split("@")[0].split("/")[-1]
        for entry in defaults(name)
        if isinstance(entry, dict)
        for key in entry
    }
    shared = [
        entry.lstrip("/").partition("@")[0] for entry in defaults(name) if str(entry).startswith("/shared/")
    ]
    own = {knob.key.split(".")[0] for knob in knobs_in(FOLDER / f"{name}.yaml")}
    return groups.union(own, *map(keys_of, shared))


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith(("experiment/", "debug/"))])
def test_every_key_is_explained_where_it_stands(name: str) -> None:
    for knob in knobs_in(FOLDER / f"{name}.yaml"):
        if knob.value and not knob.key.endswith("_target_"):  # a key that only holds others needs no words
            assert knob.comment, f"{name}.yaml, line {knob.line}: {knob.key} has no comment"
            spelt_out = re.sub(r"[._]+", " ", knob.key.rpartition(".")[2])
            assert knob.comment.lower().rstrip(".") != spelt_out, (
                f"{name}.yaml: {knob.key} only repeats its name"
            )


def test_every_field_of_a_schema_has_a_value_in_some_file() -> None:
    held: dict[str, set[str]] = {}
    for name in FILES:
        for schema in schemas_of(name):
            held.setdefault(schema, set()).update(keys_of(name))
    for schema, fields in schemas().items():
        assert schema in held, f"no file in conf/ uses {schema}"
        assert set(fields) <= held[schema], f"{schema}: no file holds {set(fields) - held[schema]}"


@pytest.mark.parametrize(("config", "choice"), [(config, "") for config in CONFIGS] + CHOICES)
def test_every_choice_composes_and_every_part_has_a_schema(config: str, choice: str) -> None:
    with session() as hydra:
        composed, problems = Checker(hydra.config_loader, config).check(
            [choice] if choice else [], may_miss=True
        )
    assert problems == []
    assert composed is not None
    untyped = list(untyped_parts(composed, ""))
    assert untyped == [], "parts without a schema, in which misspelt keys would pass"


def untyped_parts(node: DictConfig, path: str) -> list[str]:
    own = [] if dataclasses.is_dataclass(OmegaConf.get_type(node)) else [path]
    for key in node:
        child = node._get_node(key)
        if (
            isinstance(child, DictConfig)
            and key != "hydra"
            and not child._is_missing()
            and not child._is_none()
        ):
            own += untyped_parts(child, f"{path}.{key}".lstrip("."))
    return own


def test_every_file_can_be_reached_from_a_verb() -> None:
    reached = {choice.partition("@")[0].replace("=", "/") for _, choice in CHOICES}
    reached |= {
        choice.partition("@")[0] + "/" + choice.partition("=")[2] for _, choice in CHOICES if "@" in choice
    }
    reached |= {*CONFIGS, "hydra/etude"}
    reached |= {name for name in FILES if name.startswith(("hydra/launcher/", "hydra/sweeper/"))}
    built_on = {
        f"{Path(name).parent.as_posix()}/{entry}"
        for name in FILES
        for entry in defaults(name)
        if isinstance(entry, str)
    }
    built_on |= {"shared/corpus"}  # which the corpora name by an absolute path
    assert set(FILES) <= reached | built_on
