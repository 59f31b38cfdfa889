"""Reader of conf/ files: UTF-8, scalars as on the command line, errors with line and column."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from omegaconf._utils import get_yaml_loader

from etude.errors import EtudeError

# Booleans and whole numbers of the command line. YAML 1.1 also reads yes as true, 0012 as 10, 12:30 as 750.
_PLAIN = {
    "tag:yaml.org,2002:bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    "tag:yaml.org,2002:int": (r"^[-+]?(?:0|[1-9][0-9_]*)$", "-+0123456789"),
}


class ConfFileError(EtudeError):
    """A configuration file that is no YAML; the message names its line and column."""


def read_conf_text(path: Path) -> str:
    """Return the text of a file without a byte-order mark; ConfFileError if it is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfFileError(f"{path}, line {line}: this is not UTF-8; save the file as UTF-8") from None


def read_conf(path: Path) -> Any:
    """Return the content of a configuration file as plain values; ConfFileError if it is no YAML."""
    return parse_conf(read_conf_text(path), path)


def parse_conf(text: str, path: Path) -> Any:
    """Return the content of YAML text; ``path`` is named in errors."""
    try:
        return yaml.load(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reasons = " ".join(filter(None, (error.context, error.problem)))
        raise ConfFileError(f"{path}{where}: {reasons}") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position].split("\n")
        where = f"line {len(before)}, column {len(before[-1]) + 1}"
        raise ConfFileError(
            f"{path}, {where}: the character {error.character:#06x} is not allowed in YAML"
        ) from None
    except RecursionError:
        raise ConfFileError(f"{path}: its values are nested too deeply") from None


@cache
def _loader() -> Any:
    """Return OmegaConf's YAML loader, which refuses a repeated key, with the command line's scalars."""
    loader = get_yaml_loader()
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _PLAIN]
        for first, resolvers in loader.yaml_implicit_resolvers.items()
    }
    for tag, (pattern, first) in _PLAIN.items():
        loader.add_implicit_resolver(tag, re.compile(pattern), list(first))
    return loader
