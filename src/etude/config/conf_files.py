"""The YAML files of conf/: their folder, and their keys and comments without composing them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from etude.config.yaml_files import read_conf, read_conf_text
from etude.errors import EtudeError

MACHINERY = ("hydra", "schema", "shared")  # groups that are no choice of the user's


def conf_dir() -> Path:
    """Return the folder of the shipped YAML: inside an installed package, or conf/ of a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "conf", package.parents[1] / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise EtudeError(f"no conf/ folder beside {package}: the installation is incomplete; install etude again")


def values_in(path: Path) -> dict[str, str]:
    """Return every dotted key in a YAML file, in file order, with its value as written; not the defaults."""
    root = yaml.compose(read_conf_text(path), Loader=yaml.SafeLoader)
    return dict(_values(root, "")) if isinstance(root, yaml.MappingNode) else {}


def _values(node: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in node.value:
        if not prefix and key.value == "defaults":
            continue
        if isinstance(value, yaml.MappingNode) and value.value:
            yield from _values(value, f"{prefix}{key.value}.")
        else:
            mark = value.start_mark
            yield prefix + key.value, mark.buffer[mark.pointer : value.end_mark.pointer].strip()


def title_of(name: str, folders: Sequence[Path]) -> str:
    """Return the comment at the top of a file as one line; "" if it has none."""
    lines: list[str] = []
    for line in read_conf_text(_file(name, folders)).splitlines():
        if not line.startswith("#"):
            break
        lines += [] if "@package" in line else [line.lstrip("# ").rstrip()]
    return " ".join(lines)


def values_of(name: str, folders: Sequence[Path], above: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the values of a file as written, merged over those of the files that it extends.

    ``above``: the files that extend it. EtudeError if it is one of them.
    """
    if name in above:
        raise EtudeError(f"{name}.yaml extends itself, by way of its defaults; take that entry out")
    values: dict[str, str] = {}
    for entry in _entries(name, tuple(folders)):
        if isinstance(entry, str) and entry != "_self_" and not entry.startswith("/hydra/"):
            path = entry.partition("@")[0]
            base = path.lstrip("/") if path.startswith("/") else f"{name.rpartition('/')[0]}/{path}"
            values |= values_of(base, folders, (*above, name))
    return values | values_in(_file(name, folders))


def sets_key(name: str, key: str, folders: Sequence[Path]) -> bool:
    """Return whether a file of a group sets a dotted key of the group's node.

    False for a file that sets keys elsewhere (`@package`) or cannot be read.
    """
    try:
        packaged = re.match(r"#\s*@package", read_conf_text(_file(name, folders)))
        return not packaged and key in values_of(name, folders)
    except (EtudeError, yaml.YAMLError, OSError):
        return False


def _file(name: str, folders: Sequence[Path]) -> Path:
    found = [folder / f"{name}.yaml" for folder in folders if (folder / f"{name}.yaml").is_file()]
    if not found:
        raise EtudeError(f"there is no {name}.yaml in {' or '.join(map(str, folders))}")
    return found[0]


@dataclass(frozen=True)
class Group:
    """A config group of a command: its choices and its default."""

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
    for entry in _entries(path, folders):
        for key, chosen in entry.items() if isinstance(entry, dict) else ():
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
def _entries(path: str, folders: tuple[Path, ...]) -> list[Any]:
    """Return the defaults list of a file; empty if there is no such file."""
    for folder in folders:
        file = folder / f"{path}.yaml"
        if file.is_file():
            content = read_conf(file)
            entries = content.get("defaults") if isinstance(content, dict) else None
            return entries if isinstance(entries, list) else []
    return []
