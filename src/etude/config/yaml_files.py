"""Reader of conf/ files: UTF-8, scalars as on the command line, errors with line and column."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from etude.errors import EtudeError

# Scalars of the command line, by type: pattern and first characters. YAML 1.1 also reads yes as true, 0012 as
# 10 and 12:30 as 750, and takes 1e-3 for text.
_SCALARS = {
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9_]*)$", "-+0123456789"),
    "float": (r"[-+]?[0-9]+(?:_[0-9]+)*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$", "-+0123456789"),
}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Loader of plain values with the command line's scalars; a repeated key is an error."""

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return a mapping; ConstructorError for a repeated key."""
        known = set()
        for key, _ in node.value:
            if key.tag == yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG:
                if key.value in known:
                    what = f"found duplicate key {key.value}"
                    raise yaml.constructor.ConstructorError(
                        "while constructing a mapping", node.start_mark, what, key.start_mark
                    )
                known.add(key.value)
        return super().construct_mapping(node, deep=deep)


_TAG = "tag:yaml.org,2002:"
_NOT_TYPED = ("bool", "int", "timestamp")  # by YAML 1.1
_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0].removeprefix(_TAG) not in _NOT_TYPED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), list(_first))


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
        return yaml.load(text, Loader=_Loader)
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
