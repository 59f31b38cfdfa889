"""Every setting is read: by the class that it is built into, or by its key somewhere in the source."""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import etude
from composed import composed
from etude.config.conf_files import conf_dir
from etude.config.targets import settings_class
from etude.corpora import augmentation, batches, data_module
from etude.corpora.prepared import PreparedCorpus
from etude.runs.identity import flatten

CHOICES = {
    "train": [
        [f"{group}={path.stem}", *(["data.path=somewhere"] if "path: ???" in path.read_text() else [])]
        for group in ("data", "data/encoding", "model", "optim", "trainer", "callbacks", "logger", "sampling")
        for path in sorted((conf_dir() / group).glob("*.yaml"))
    ],
    "sample": [["run=somewhere"]],
    "prepare": [[]],
}
JOBS = [(verb, choice) for verb, choices in CHOICES.items() for choice in choices]


@cache
def source_words() -> set[str]:
    """Every string constant and attribute name in the source, but for the schema, which only declares."""
    words = set()
    for path in Path(etude.__file__).parent.rglob("*.py"):
        if path.name == "settings.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
            elif isinstance(node, ast.Attribute):
                words.add(node.attr)
    return words


def nodes(config: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, config
    for key, value in config.items():
        if isinstance(value, dict):
            yield from nodes(value, f"{path}.{key}".lstrip("."))


@cache
def used_settings(target: str) -> set[str]:
    """Names of the settings that the class of a target or one of its bases reads."""
    module, _, name = target.rpartition(".")
    cls = getattr(import_module(module), name)
    for_training = set(getattr(settings_class(target), "for_training", ())) & source_words()
    if not cls.__module__.startswith("etude."):
        return set(inspect.signature(cls).parameters) | for_training
    used = set(getattr(cls, "__dataclass_fields__", ())) | for_training
    used |= {"name"}  # which training reads for each model
    for base in cls.__mro__:
        if base.__module__.startswith("etude."):
            used |= set(read_from_config(inspect.getsource(sys.modules[base.__module__])))
    if issubclass(cls, PreparedCorpus):
        for reader in (augmentation, batches, data_module):
            used |= set(read_from_config(inspect.getsource(reader)))
    return used


def read_from_config(source: str) -> Iterator[str]:
    """The attributes of `config` and of `self.config` that a source text reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            owner = node.value
            if getattr(owner, "id", "") == "config" or getattr(owner, "attr", "") == "config":
                yield node.attr


@pytest.mark.parametrize(("verb", "choice"), JOBS, ids=str)
def test_every_setting_is_read(verb: str, choice: list[str]) -> None:
    config = composed(verb, *choice)
    words = source_words()
    built = {path: used_settings(node["_target_"]) for path, node in nodes(config) if "_target_" in node}
    for key in flatten(config):
        parent, _, last = key.rpartition(".")
        if last == "_target_":
            continue
        if parent == "trainer":
            import pytorch_lightning

            assert last in inspect.signature(pytorch_lightning.Trainer).parameters, key
        elif parent in built:
            assert last in built[parent], f"{key} is not used by what it builds"
        else:
            assert last in words, f"{key} is read nowhere"


def test_an_unread_setting_would_be_found() -> None:
    network = "etude.models.ffn.FFNNetwork"
    assert {"hidden_dim", "context"} <= used_settings(network)
    assert "num_layers" not in used_settings(network)
    assert "number_of_trombones" not in source_words()
