"""Every knob is read: as an argument that its class uses, or by its key somewhere in the source."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

import etude
from etude.config.compose import compose
from etude.config.conf_files import conf_dir
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


def used_arguments(target: str) -> set[str]:
    """Names of the constructor arguments that some class of the target's line mentions in its body."""
    module, _, name = target.rpartition(".")
    cls = getattr(import_module(module), name)
    if not cls.__module__.startswith("etude."):
        return set(inspect.signature(cls).parameters)
    used = set(getattr(cls, "__dataclass_fields__", ()))
    for base in cls.__mro__:
        if not base.__module__.startswith("etude.") or "__init__" not in vars(base) or is_dataclass(base):
            continue
        tree = ast.parse(dedent(inspect.getsource(base.__init__)))
        loaded = {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        used |= loaded & set(inspect.signature(base.__init__).parameters)
    return used


@pytest.mark.parametrize(("verb", "choice"), JOBS, ids=str)
def test_every_knob_is_read(verb: str, choice: list[str]) -> None:
    composed: DictConfig = compose(verb, choice)
    config: dict[str, Any] = OmegaConf.to_container(composed, resolve=True)  # type: ignore[assignment]
    words = source_words()
    built = {path: used_arguments(node["_target_"]) for path, node in nodes(config) if "_target_" in node}
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


def test_an_unread_knob_would_be_found() -> None:
    assert "hidden_dim" in used_arguments("etude.models.lstm.LSTMModule")
    assert "number_of_trombones" not in source_words() | used_arguments("etude.models.lstm.LSTMModule")
