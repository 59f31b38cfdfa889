"""Where the YAML files live, and what they say to a reader who has not composed them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from etude.errors import EtudeError

MACHINERY = ("hydra", "schema", "shared")  # groups that are no choice of the user's


def conf_dir() -> Path:
    """Return the folder of the shipped YAML: inside an installed package, or conf/ of a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "conf", package.parents[1] / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise EtudeError(f"no conf/ folder beside {package}: the installation is incomplete; install etude again")


@dataclass(frozen=True)
class Knob:
    """A key as it stands in a YAML file: its value there and the comment that explains it ("" if none)."""

    key: str
    value: str
    comment: str
    line: int


def knobs_in(path: Path) -> list[Knob]:
    """Return every key of a YAML file outside its defaults list, nested keys dotted, in file order."""
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    lines = text.splitlines()
    return list(_knobs(root, lines, "")) if isinstance(root, yaml.MappingNode) else []


def _knobs(node: yaml.MappingNode, lines: Sequence[str], prefix: str) -> Iterator[Knob]:
    for key, value in node.value:
        if not prefix and key.value == "defaults":
            continue
        nested = isinstance(value, yaml.MappingNode)
        line = key.start_mark.line
        shown = "" if nested else value.start_mark.buffer[value.start_mark.pointer : value.end_mark.pointer]
        yield Knob(prefix + key.value, shown.strip(), _comment(lines, line), line + 1)
        if nested:
            yield from _knobs(value, lines, f"{prefix}{key.value}.")


def _comment(lines: Sequence[str], line: int) -> str:
    """The comment on a line, with the ones that go on below it; else the block directly above it."""
    found = re.search(r"(?:^|\s)#\s?(.*)$", lines[line])
    if found:
        return found.group(1).strip()
    above: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        above.insert(0, lines[line].strip().removeprefix("#").strip())
    return " ".join(above)


@dataclass(frozen=True)
class Group:
    """A config group of a command: the names it takes, and the one taken if nothing is typed."""

    name: str
    choices: tuple[str, ...]
    chosen: str


def groups_of(config_name: str, folders: Sequence[Path]) -> list[Group]:
    """Return the groups that a command's defaults lists offer, by reading the YAML without composing it.

    The first folder holds the command's own file; the others (`--config-dir`) may add choices.
    """
    found: dict[str, Group] = {}
    _collect(config_name, tuple(folders), found)
    return list(found.values())


def _collect(path: str, folders: tuple[Path, ...], found: dict[str, Group]) -> None:
    for entry in _defaults(path, folders):
        for key, chosen in entry.items():
            words = key.split()
            group, _, package = words[-1].partition("@")
            if "override" in words or group.lstrip("/").split("/")[0] in MACHINERY:
                continue
            parent = "" if group.startswith("/") else path.rpartition("/")[0]
            name = "/".join(part for part in (parent, group.lstrip("/")) if part)
            label = f"{name}@{package}" if package and not package.startswith("_") else name
            if label not in found:
                taken = "" if chosen in (None, "???") else str(chosen)
                found[label] = Group(label, _choices(name, folders), taken)
                _collect(f"{name}/{chosen}", folders, found)


def _choices(group: str, folders: Sequence[Path]) -> tuple[str, ...]:
    return tuple(sorted({file.stem for folder in folders for file in (folder / group).glob("*.yaml")}))


@cache
def _defaults(path: str, folders: tuple[Path, ...]) -> list[dict[str, Any]]:
    for folder in folders:
        file = folder / f"{path}.yaml"
        if file.is_file():
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
            entries = content.get("defaults", []) if isinstance(content, dict) else []
            return [entry for entry in entries if isinstance(entry, dict)]
    return []
