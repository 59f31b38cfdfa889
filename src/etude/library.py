"""The verbs of the command line as functions, which return objects and print nothing unless asked."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from pytorch_lightning.utilities.seed import isolate_rng

from etude.api import TrainedRun, load_run
from etude.config.build import build
from etude.config.compose import compose as compose_verb
from etude.config.compose import composed
from etude.corpora.prepared import PreparedCorpus
from etude.music import Piece


def compose(*overrides: str, verb: str = "train", config_dir: Path | str | None = None) -> DictConfig:
    """Return the checked configuration of a command line: ``compose("model=ffn", "optim.lr=1e-3")``.

    ConfigError, an EtudeError, lists every problem.
    """
    return compose_verb(verb, overrides, extra=_folder(config_dir))


def train(*overrides: str, config_dir: Path | str | None = None, verbose: bool = False) -> TrainedRun:
    """Train as ``etude train`` does with these overrides; return the run. A finished one is opened.

    ``verbose``: print what the command prints. Seeds, threads and PyTorch's flags are as before afterwards.
    EtudeError for what cannot be trained, ConfigError with every problem of the overrides.
    """
    with _restored(), composed("train", overrides, extra=_folder(config_dir)) as config:
        from etude.commands import train as command  # in here: libraries draw random numbers when imported

        with _printing(verbose):
            results = command.train(config)
        return load_run(results["folder"])


def prepare(*overrides: str, config_dir: Path | str | None = None) -> PreparedCorpus:
    """Return the corpus of ``etude prepare``, encoded and stored: ``prepare("data=cobb")``."""
    with composed("prepare", overrides, extra=_folder(config_dir)) as config:
        corpus: PreparedCorpus = build(config.data, PreparedCorpus)
    _ = corpus.store  # made now, if there is none
    return corpus


def sample(run: TrainedRun | Path | str, n: int = 5, **settings: Any) -> list[Piece]:
    """Generate ``n`` pieces with a run, or what :func:`load_run` takes; ``settings`` as there."""
    return (run if isinstance(run, TrainedRun) else load_run(run)).sample(n, **settings)


def _folder(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


@contextmanager
def _printing(verbose: bool) -> Iterator[None]:
    if verbose:
        yield
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


@contextmanager
def _restored() -> Iterator[None]:
    """Restore what a training sets for its whole process."""
    threads, environment = torch.get_num_threads(), dict(os.environ)
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic
    fills = memory.fill_uninitialized_memory
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    with isolate_rng(), warnings.catch_warnings():
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            memory.fill_uninitialized_memory = fills
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn
            os.environ.clear()
            os.environ.update(environment)
