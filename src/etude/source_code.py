"""Source files: a hash of what they do, and the modules that they import."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def meaning_of(path: Path) -> str:
    """Return a short hash of what a source file does: the same for another comment, docstring or layout."""
    return _read(path)[0]


def meaning(source: str) -> str:
    """Return a short hash of what a source text does: the same for another comment, docstring or layout."""
    return _hashed(ast.parse(source))


@cache  # a process runs the code that it began with, and a sweep asks for each of its jobs
def _read(path: Path) -> tuple[str, list[ast.Import | ast.ImportFrom]]:
    """Return the hash of a source file and its imports."""
    tree = ast.parse(path.read_text("utf-8"))
    return _hashed(tree), [
        each for each in _statements(tree) if isinstance(each, ast.Import | ast.ImportFrom)
    ]


def _hashed(tree: ast.Module) -> str:
    return hashlib.sha256(repr(_canonical(tree)).encode()).hexdigest()[:12]


def _canonical(node: Any) -> Any:
    """Return a syntax tree without docstrings as tuples that are the same under every Python.

    A field that a later Python adds is empty for earlier code. Python 3.12.1 ends some f-strings with "".
    """
    if isinstance(node, list):
        return [_canonical(each) for each in node]
    if not isinstance(node, ast.AST):
        return node
    if isinstance(node, ast.JoinedStr):
        return ("JoinedStr", [_canonical(each) for each in node.values if not _is_empty_text(each)])
    given: list[Any] = [type(node).__name__]
    for name in node._fields:
        value = getattr(node, name, None)
        if (
            name == "body"
            and isinstance(node, DOCUMENTED)
            and ast.get_docstring(node, clean=False) is not None
        ):
            value = node.body[1:] or [ast.Pass()]
        if value is not None and value != []:
            given.append((name, _canonical(value)))
    return tuple(given)


def _is_empty_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == ""


@cache
def imports_of(path: Path, module: str) -> list[str]:
    """Return the dotted names that a source file imports: modules, and the names taken from them."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return list(_imported(path, package))


def _imported(path: Path, package: str) -> Iterator[str]:
    for node in _read(path)[1]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            name = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(name, package) if node.level else name
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Return what a piece of code is made of, without expressions, which import nothing."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.stmt | ast.excepthandler | ast.match_case):
            yield each
            yield from _statements(each)


def module_file(folder: Path, parts: list[str]) -> Path | None:
    """Return the source file of a module below the folder of its package; None if there is none."""
    path = folder.joinpath(*parts)
    if parts and path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None
