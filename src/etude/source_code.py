"""Source files: a hash of what they do, and the modules that they import."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any


@cache  # a process runs the code that it began with, and a sweep asks for each of its jobs
def meaning_of(path: Path) -> str:
    """Return a short hash of what a source file does: the same for another comment, docstring or layout."""
    return meaning(path.read_text("utf-8"))


def meaning(source: str) -> str:
    """Return a short hash of what a source text does: the same for another comment, docstring or layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if ast.get_docstring(node, clean=False) is not None:
                    node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(repr(_canonical(tree)).encode()).hexdigest()[:12]


def _canonical(node: Any) -> Any:
    """Return a syntax tree as tuples that are the same under every Python.

    A field that a later Python adds is empty for earlier code. Python 3.12.1 ends some f-strings with "".
    """
    if isinstance(node, ast.JoinedStr):
        return ("JoinedStr", [_canonical(each) for each in node.values if not _is_empty_text(each)])
    if isinstance(node, ast.AST):
        given = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        return (type(node).__name__, *((name, _canonical(value)) for name, value in given))
    return [_canonical(each) for each in node] if isinstance(node, list) else node


def _is_empty_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == ""


@cache
def imports_of(path: Path, module: str) -> list[str]:
    """Return the dotted names that a source file imports: modules, and what is imported from them."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return list(_imported(path, package))


def _imported(path: Path, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(name, package) if node.level else name
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def module_file(folder: Path, parts: list[str]) -> Path | None:
    """Return the source file of a module below the folder of its package; None if there is none."""
    path = folder.joinpath(*parts)
    if parts and path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None
