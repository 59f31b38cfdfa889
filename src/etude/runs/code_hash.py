"""Hashes of the source files that decide the weights; comments and layout do not count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import Any

from etude.config.own_code import installed_versions, own_modules
from etude.config.resolved import ResolvedConfig
from etude.source_code import imports_of, meaning_of, module_file

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
        "etude.corpora.sources",
    ),
    "they use or show trained weights, or draw samples with random numbers of their own": (
        "etude.evaluation",
        "etude.notation",
        "etude.rendering",
        "etude.reports",
        "etude.sampling",
        "etude.training.first_melody",
    ),
    "they name, find, lock, log, show or end a run": (
        "etude.runs",
        "etude.commands.console",
        "etude.interrupts",
        "etude.training.logs",
        "etude.training.metrics_csv",
        "etude.training.progress_bar",
        "etude.training.pruning",
        "etude.training.signals",
        "etude.training.step_metrics",
        "etude.training.*tracker",
        "etude.training.trackers",
        "etude.training.wandb_account",
    ),
    "they write files, read files, or word messages": (
        "etude.errors",
        "etude.files",
        "etude.plain_names",
        "etude.processes",
        "etude.stored_files",
        "etude.stored_tables",
        "etude.terminal",
    ),
}

PACKAGES = ("torch", "pytorch-lightning", "torchmetrics", "numpy")  # whose arithmetic and order it is


def training_code(config: ResolvedConfig) -> dict[str, str]:
    """Return a short hash for each source file that decides the weights.

    Étude's files by their path in the package: those that train, those of the classes that ``config`` names,
    and what they import, except by the rules of ``UNWATCHED``. A class that is named always counts: networks
    and augmentation ask the encoding about its tokens. The user's own modules by their name, all of
    them. Docstrings, comments and layout do not count.
    """
    named = modules_of(config)
    own = own_modules(named)
    used = [each for module, path in own.items() for each in imports_of(path, module)]
    found = meanings([*STARTS, *named, *used], lambda module: is_watched(module) or module in named)
    return {**found, **{module: meaning_of(path) for module, path in own.items()}}


def modules_of(config: Mapping[str, Any]) -> list[str]:
    """Return the modules of the classes that a configuration names."""
    return [_module_of(target) for target in _targets(config)]


def packages_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions of the installed packages that decide the weights, plug-ins among them."""
    named = (each for each in modules_of(config) if each.partition(".")[0].replace("_", "-") not in PACKAGES)
    return {**{name: version(name) for name in PACKAGES}, **installed_versions(named)}


def meanings(starts: Iterable[str], counts: Callable[[str], bool]) -> dict[str, str]:
    """Return a short hash for each file of some modules and of what they import, if its module ``counts``."""
    found: dict[str, Path] = {}
    wanted = list(starts)
    while wanted:
        module = wanted.pop()
        if module not in found and counts(module) and (path := _file_of(module)):
            found[module] = path
            wanted += imports_of(path, module)
    return {path.relative_to(ROOT).as_posix(): meaning_of(path) for path in sorted(found.values())}


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
    elif isinstance(node, list | tuple):
        for each in node:
            yield from _targets(each)


def _module_of(target: str) -> str:
    """Return the module of a class, also of one that a package of Étude takes from a module of its own."""
    package, _, name = target.rpartition(".")
    path = _file_of(package) if package.startswith("etude.") else None
    taken = imports_of(path, package) if path and path.name == "__init__.py" else []
    return next((each.removesuffix(f".{name}") for each in taken if each.endswith(f".{name}")), package)


def _file_of(module: str) -> Path | None:
    """Return the source file of an Étude module; None if the name is no module, such as an imported class."""
    return module_file(ROOT, module.split(".")[1:])
