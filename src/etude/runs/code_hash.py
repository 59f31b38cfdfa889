"""Hashes of the source files that decide the weights; comments and layout do not count."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from etude.config.resolved import ResolvedConfig

ROOT = Path(__file__).resolve().parents[1]

# Their imports are followed as deep as they go; so are those of the classes that a config names.
STARTS = ("etude.commands.train", "etude.training.worker")

# Rules by which a module (or all below a package) cannot change the weights. All else counts, new files too.
UNWATCHED = {
    "the signature holds the values that they make": (
        "etude.config.[!b]*",  # all but build
        "etude.*.settings",
    ),
    "the corpus fingerprint holds what they make; tests guard the versions in it": (
        "etude.music",
        "etude.formats",
        "etude.encodings",
        "etude.corpora.archives",
        "etude.corpora.parallel",
        "etude.corpora.preparation",
        "etude.corpora.raw_files",
        "etude.corpora.sources",
    ),
    "they use or show trained weights, or draw samples with random numbers of their own": (
        "etude.evaluation",
        "etude.notation",
        "etude.rendering",
        "etude.reports",
        "etude.sampling",
    ),
    "they name, find, lock, log, show or end a run": (
        "etude.runs",
        "etude.commands.console",
        "etude.training.logs",
        "etude.training.metrics_csv",
        "etude.training.progress_bar",
        "etude.training.pruning",
        "etude.training.signals",
        "etude.training.trackers",
    ),
    "they write files, read files, or word messages": (
        "etude.errors",
        "etude.files",
        "etude.plain_names",
        "etude.processes",
        "etude.stored_files",
        "etude.terminal",
    ),
}

PACKAGES = ("torch", "pytorch-lightning", "torchmetrics", "numpy")  # whose arithmetic and order it is


def training_code(config: ResolvedConfig) -> dict[str, str]:
    """Return a short hash for each source file that decides the weights, by its path in the package.

    The files that train, those of the classes that ``config`` names (model, data, optimizer, schedule), and
    what they import, except by the rules of ``UNWATCHED``. Docstrings, comments and layout do not count.
    """
    targets = (target.rpartition(".")[0] for target in _targets(config))
    return meanings([*STARTS, *targets], is_watched)


def meanings(starts: Iterable[str], counts: Callable[[str], bool]) -> dict[str, str]:
    """Return a short hash for each file of some modules and of what they import, if its module ``counts``."""
    found: dict[str, Path] = {}
    wanted = list(starts)
    while wanted:
        module = wanted.pop()
        if module not in found and counts(module) and (path := _file_of(module)):
            found[module] = path
            wanted += _imports(path)
    return {path.relative_to(ROOT).as_posix(): _meaning_of(path) for path in sorted(found.values())}


def is_watched(module: str) -> bool:
    """Return whether a module is Étude's and not excluded as unable to change the weights."""
    rules = [rule for names in UNWATCHED.values() for rule in names]
    return module.startswith("etude.") and not any(
        fnmatchcase(module, rule) or fnmatchcase(module, f"{rule}.*") for rule in rules
    )


def _targets(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "_target_":
                yield str(value)
            else:
                yield from _targets(value)


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


@cache  # a process runs the code that it began with, and a sweep asks for each of its jobs
def _meaning_of(path: Path) -> str:
    return meaning(path.read_text("utf-8"))


def _file_of(module: str) -> Path | None:
    """Return the source file of an Étude module; None if the name is no module, such as an imported class."""
    path = ROOT.joinpath(*module.split(".")[1:])
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


@cache
def _imports(path: Path) -> list[str]:
    return list(_imported(path))


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
