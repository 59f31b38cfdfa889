"""The code that decides the weights: hashes of what a training runs through, blind to comments."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

# What every training goes through beside its model; the corpus itself has its fingerprint.
ALWAYS = (
    *(f"etude.corpora.{name}" for name in ("windows", "gather", "shard", "shuffle", "splits")),
    "etude.models.module",
)
FOLLOWED = ("etude.models.", "etude.optim.")  # imports of these packages count, as deep as they go

PACKAGES = ("torch", "pytorch-lightning", "torchmetrics", "numpy")  # whose arithmetic and order it is


def training_code(config: dict[str, Any]) -> dict[str, str]:
    """Return a short hash for each source file that decides the weights, by its path in the package.

    The files of the model, optimizer and schedule that ``config`` names, what they import of the same
    packages, and the order of the data. Docstrings, comments and layout do not count.
    """
    targets = [
        str(config.get(part, {}).get("_target_", "")).rpartition(".")[0]
        for part in ("model", "optim", "schedule")
    ]
    found: dict[str, Path] = {}
    wanted = [*ALWAYS, *(target for target in targets if target.startswith(FOLLOWED))]
    while wanted:
        module = wanted.pop()
        if module not in found and (path := _file_of(module)):
            found[module] = path
            wanted += _imports(path)
    return {str(path.relative_to(ROOT)): _meaning_of(path) for path in sorted(found.values())}


def meaning(source: str) -> str:
    """Return a short hash of what a source text does: the same for another comment, docstring or layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if ast.get_docstring(node, clean=False) is not None:
                    node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:12]


@cache  # a process runs the code that it began with, and a sweep asks for each of its jobs
def _meaning_of(path: Path) -> str:
    return meaning(path.read_text("utf-8"))


def _file_of(module: str) -> Path | None:
    """The file of a module of ours; None for what is no module, such as a class that is imported."""
    path = ROOT.joinpath(*module.split(".")[1:])
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


@cache
def _imports(path: Path) -> list[str]:
    """What a file imports of the packages that are followed."""
    return [name for name in _imported(path) if name.startswith(FOLLOWED)]


def _imported(path: Path) -> Iterator[str]:
    package = "etude." + ".".join(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(name, package) if node.level else name
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)
