"""Help on settings, from their declared fields and the YAML files with their values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from etude.config.conf_files import Group, groups_of, title_of, values_of
from etude.config.fields import dataclass_in, hints_of, limits_of, meaning_of
from etude.config.problems import did_you_mean, in_words
from etude.config.targets import root_class, settings_class
from etude.errors import EtudeError

LONGEST_VALUE = 32  # characters of a value that are shown


def groups_help(config_name: str, folders: Sequence[Path]) -> list[str]:
    """Return a line for each group of a command, with its choices."""
    groups = [group for group in groups_of(config_name, folders) if group.choices]
    wide = max((len(group.name) for group in groups), default=0) + 2
    return [f"  {group.name:<{wide}}{_choices(group)}" for group in groups]


def _choices(group: Group) -> str:
    return ", ".join(f"{name}*" if name == group.chosen else name for name in group.choices)


def top_help(config_name: str, folders: Sequence[Path]) -> list[str]:
    """Return a line for each key at the top of a command's configuration: value and meaning."""
    values = values_of(config_name, folders)
    return _table(_rows(root_class(config_name), values, "", nested=False))


def group_help(config_name: str, word: str, folders: Sequence[Path]) -> list[str]:
    """Return the keys of a group (`model`) or a choice (`model=ffn`), with values and meanings.

    EtudeError if the command has no such group, or the group no such choice.
    """
    name, _, choice = word.replace(".", "/").partition("=")
    groups = {group.name: group for group in groups_of(config_name, folders) if group.choices}
    if name not in groups:
        hint = did_you_mean(name, groups)
        raise EtudeError(f"--help {word}: no such group{hint}; groups: {', '.join(groups)}")
    choice = choice or groups[name].chosen
    if choice not in groups[name].choices:
        offered = ", ".join(f"{name}={each}" for each in groups[name].choices)
        raise EtudeError(f"--help {word}: choose one of {offered}")
    values = values_of(f"{name}/{choice}", folders)
    cls = _class_at(root_class(config_name), name.split("/"))
    if target := values.get("_target_"):
        cls = settings_class(target, cls or object)
    head = [f"{name}={choice}: {title_of(f'{name}/{choice}', folders)}"]
    if name in ("experiment", "debug"):
        return [*head, "", *(f"  {key}={value}" for key, value in values.items())]
    return [*head, "", *_table(_rows(cls, values, name.replace("/", ".") + "."))]


def _class_at(cls: type[Any] | None, path: Sequence[str]) -> type[Any] | None:
    for name in path:
        cls = dataclass_in(hints_of(cls).get(name)) if cls else None
    return cls


def _rows(
    cls: type[Any] | None, values: Mapping[str, str], prefix: str, *, nested: bool = True
) -> Iterator[tuple[str, str]]:
    """Yield (key=value, meaning) of each setting, followed by its nested settings."""
    for each in dataclasses.fields(cls) if cls else ():
        inner = dataclass_in(hints_of(cls)[each.name])
        if inner is None:
            value = shorten(values.get(each.name, ""), LONGEST_VALUE, placeholder=" …")
            yield f"{prefix}{each.name}={value}", _explained(each, hints_of(cls)[each.name])
        elif nested and getattr(inner, "builds", None) is None:
            within = {key.removeprefix(f"{each.name}."): value for key, value in values.items()}
            yield from _rows(inner, within, f"{prefix}{each.name}.")


def _explained(field: dataclasses.Field[Any], hint: Any) -> str:
    """Return the meaning of a setting, with the accepted values unless the meaning names them."""
    limits, meaning = limits_of(field), meaning_of(field)
    if limits.choices is not None:
        named = all(str(choice) in meaning for choice in limits.choices)
        return meaning if named else f"{meaning} ({limits})"
    takes = in_words(hint).removeprefix("a ")
    bounds = f", {limits}" if limits != type(limits)() else ""
    return meaning if takes in ("text", "true or false") else f"{meaning} ({takes}{bounds})"


def _table(rows: Iterator[tuple[str, str]]) -> list[str]:
    found = list(rows)
    wide = max((len(left) for left, _ in found), default=0) + 2
    return [f"  {left:<{wide}}{right}" for left, right in found]
