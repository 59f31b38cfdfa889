"""Reading of untrusted YAML and JSON, limited in size and checked against the expected types."""

from __future__ import annotations

import json
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import yaml  # type: ignore[import-untyped]

from etude.errors import EtudeError

# What zipfile, tarfile, gzip and zlib raise on damaged, encrypted or oddly compressed data, beside OSError.
ARCHIVE_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError,
    RuntimeError, ValueError, OverflowError, LookupError, TypeError,
)  # fmt: skip
MAX_BYTES = 64 * 2**20  # a store's list of rejected pieces is the largest of these files
MAX_YAML_BYTES = 2**20  # a configuration has 5 kB
MAX_YAML_NODES = 20_000
MAX_DEPTH = 40
MAX_VALUES = 10**6  # in the settings and the vocabulary of a checkpoint


class StoredFileError(EtudeError):
    """A stored file that is damaged, too large, or not of the types that Étude writes."""


# libyaml reads a configuration some ten times faster; wheels have it, a build from source may not
_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fast):  # type: ignore[misc]
    """Loader of plain values that refuses what is deep or long; it calls these two around each node."""

    depth = count = 0

    def descend_resolver(self, *_: object) -> None:
        """Count a node; StoredFileError if there are too many."""
        self.depth, self.count = self.depth + 1, self.count + 1
        if self.depth > MAX_DEPTH or self.count > MAX_YAML_NODES:
            raise StoredFileError("a stored configuration is not so deep or so long")

    def ascend_resolver(self) -> None:
        """Leave a node."""
        self.depth -= 1


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a stored YAML file; StoredFileError if it is not a plain, bounded one.

    Anchors and aliases are refused: nine lines of them unpack to a billion values. OSError if the file cannot
    be opened.
    """
    data = read_bounded(path, MAX_YAML_BYTES)
    try:
        _check_anchors(data)
        content = yaml.load(data, Loader=_Loader)
    except StoredFileError as error:
        raise StoredFileError(f"{path}: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, LookupError, TypeError) as error:
        raise StoredFileError(f"{path} is damaged: it is not plain YAML ({type(error).__name__})") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise StoredFileError(f"{path} is damaged: settings under their names are expected")
    check_values(content, str(path))
    return content


def check_values(content: Mapping[str, Any], where: str) -> None:
    """Raise StoredFileError if a stored configuration holds an interpolation or a missing value.

    Interpolations would be resolved on this machine: ``${oc.env:…}`` reads its environment.
    """
    for key, value in content.items():
        left = [value]
        while left:
            each = left.pop()
            if isinstance(each, list | tuple):
                left += each
            elif isinstance(each, Mapping):
                check_values(each, where)
            elif isinstance(each, str) and ("${" in each or each == "???"):
                raise StoredFileError(f"{where} is not accepted: {key} is {each[:40]!r}, not a plain value")


def _check_anchors(data: bytes) -> None:
    if b"&" not in data and b"*" not in data:  # most files, which are then read once
        return
    for event in yaml.parse(data, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise StoredFileError("a stored configuration has no anchors (&) and no aliases (*)")


def read_json(path: Path, kind: Any = dict[str, Any], *, most: int = MAX_BYTES) -> dict[str, Any]:
    """Return the object in a stored JSON file, its values of the types of ``kind``; {} if there is no file.

    ``kind`` is a TypedDict; there may be other keys. StoredFileError if the file is no JSON, too large or too
    deep, if a required key is missing, or for the first value of another type.
    """
    try:
        data = read_bounded(path, most)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return parse_json(data, kind, str(path))


def parse_json(data: bytes | str, kind: Any, where: str) -> dict[str, Any]:
    """Return the object in JSON from a file, as :func:`read_json` does; ``where`` begins the sentence."""
    try:
        content = json.loads(data)
        _check_depth(content)
    except StoredFileError as error:
        raise StoredFileError(f"{where} is damaged: {error}") from None
    except (ValueError, RecursionError) as error:
        raise StoredFileError(f"{where} is damaged: it is not JSON ({type(error).__name__})") from error
    check_types(content, kind, where)
    return dict(content)


def check_bounded(content: object, where: str) -> None:
    """Raise StoredFileError for values from a pickle that are too deep or too many.

    A pickle can hold one list in many places, so that nine of them unpack to a billion values, or in itself.
    """
    try:
        _check_depth(content, MAX_VALUES)
    except StoredFileError as error:
        raise StoredFileError(f"{where} is damaged: {error}") from None


def _check_depth(content: object, most: float = math.inf) -> None:
    level: list[Any] = [[content]]
    depth, count = -1, 0
    while level:
        depth, count = depth + 1, count + sum(map(len, level))
        if depth > MAX_DEPTH:
            raise StoredFileError(f"its values are more than {MAX_DEPTH} levels deep")
        if count > most:
            raise StoredFileError(f"it has more than {most:,} values")
        level = [
            each
            for held in level
            for each in (held.values() if isinstance(held, dict) else held)
            if isinstance(each, dict | list | tuple | set)
        ]


def check_types(content: object, kind: Any, where: str) -> None:
    """Raise StoredFileError unless plain values have the types of ``kind``; ``where`` begins the sentence.

    ``kind`` is a TypedDict, or made of str, int, float, bool, None, Any, list[…], dict[str, …] and unions.
    """
    if problem := _type_problem(content, kind, ""):
        raise StoredFileError(f"{where} is damaged: {problem}")


def _type_problem(value: object, kind: Any, key: str) -> str:
    if kind is Any:
        return ""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        problems = [_type_problem(value, each, key) for each in arguments]
        return "" if "" in problems else problems[0]
    if origin is list:
        return _list_problem(value, arguments[0], key)
    if is_typeddict(kind) or origin is dict:
        return _mapping_problem(value, kind, key)
    return "" if _is_scalar(value, kind) else _unlike(value, _WORDS[kind], key)


def _list_problem(value: object, kind: Any, key: str) -> str:
    if not isinstance(value, list | tuple):
        return _unlike(value, "a list", key)
    return next((problem for each in value if (problem := _type_problem(each, kind, key))), "")


def _mapping_problem(value: object, kind: Any, key: str) -> str:
    if not isinstance(value, Mapping):
        return _unlike(value, "values under their names", key)
    hints = _hints(kind) if is_typeddict(kind) else dict.fromkeys(value, get_args(kind)[1])
    if lacking := sorted(getattr(kind, "__required_keys__", frozenset()) - value.keys()):
        return f"{key or 'it'} lacks {', '.join(lacking)}"
    for name, each in value.items():
        if not isinstance(name, str):
            return _unlike(name, "text as a name", key)
        if problem := _type_problem(each, hints.get(name, Any), f"{key}.{name}".lstrip(".")):
            return problem
    return ""


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}


def _is_scalar(value: object, kind: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if isinstance(value, int) and kind in (int, float):
        return abs(value) < 2**63
    if kind is float:
        return isinstance(value, float) and (math.isfinite(value) or math.isnan(value))
    return isinstance(value, kind)


def _unlike(value: object, wanted: str, key: str) -> str:
    shown = repr(value)[:40]
    return f"{key} must be {wanted}, not {shown}" if key else f"it must hold {wanted}, not {shown}"


def read_bounded(path: Path, most: int) -> bytes:
    """Return the content of a file; StoredFileError if it has more than ``most`` bytes."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise StoredFileError(f"{path} is damaged: it has more than {most // 2**20} MiB")
    return data
