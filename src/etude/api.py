"""Python interface: a trained run, or a checkpoint file alone, opened for sampling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from etude.config.build import build
from etude.config.compose import compose, plain
from etude.config.fields import from_plain
from etude.config.overrides import as_typed
from etude.errors import EtudeError
from etude.evaluation.evaluation_file import evaluate
from etude.evaluation.held_out import held_out_set
from etude.models.checkpoint import TrainedModel, load_model
from etude.music import Piece
from etude.runs.catalogue import is_run
from etude.runs.folder import RunFolder
from etude.runs.lookup import find_checkpoint
from etude.sampling.context import TrainingContext
from etude.sampling.generation import generate
from etude.sampling.settings import SamplingSettings
from etude.stored_tables import read_table

if TYPE_CHECKING:
    from pandas import DataFrame


class TrainedRun:
    """A trained model: network, encoding, vocabulary, the training config, and :meth:`sample`.

    ``path`` is the folder of the run, None of a checkpoint file alone.
    """

    def __init__(self, model: TrainedModel, path: Path | None = None) -> None:
        self.model, self.path = model, path
        self.network = model.network
        self.encoding, self.vocabulary, self.config = model.encoding, model.vocabulary, model.config

    def sample(self, n: int = 5, **settings: Any) -> list[Piece]:
        """Generate ``n`` pieces; ``settings`` are those of conf/sampling: ``temperature=1.0, primer="60 _"``.

        An element of ``filters`` may be a function of logits (B, V) and the ids so far (B, T); functions
        alone come after the usual filters. EtudeError for an unknown setting or a value out of range.
        """
        order = list(settings.pop("filters", []))
        chosen = sampling_settings(num_samples=n, **settings)
        if order:
            functions_alone = all(map(callable, order))
            chosen = replace(chosen, filters=[*chosen.filters, *order] if functions_alone else order)
        return [one.piece for one in generate(self.model, chosen).samples]

    @property
    def metrics(self) -> DataFrame:
        """Table of metrics.csv, a row for each that was logged, NaN where it has no value."""
        from pandas import DataFrame  # half a second, which sampling need not wait for

        columns, rows = read_table(self._folder.metrics)
        return DataFrame({name: [row.number(name) for row in rows] for name in columns}, dtype=float)

    @property
    def results(self) -> dict[str, Any]:
        """Content of results.json: test and validation metrics, baselines."""
        return self._folder.results

    @property
    def _folder(self) -> RunFolder:
        if self.path is None:
            raise EtudeError("a checkpoint file alone has no metrics and no results: open its run folder")
        return RunFolder(self.path)

    def evaluate(
        self, set: str = "test", *, corpus: str | None = None, num_samples: int = 100, **settings: Any
    ) -> dict[str, Any]:
        """Return the content of evaluation.json: likelihood, musical statistics and copies as plain values.

        ``set``: train, val, test or all. ``corpus``: a name in conf/data; None: the one of the training.
        ``settings``: those of conf/sampling, for the samples.
        """
        typed = [f"set={set}", *([f"data={corpus}"] if corpus else [])]
        data = plain(compose("evaluate", ["run=.", *typed])).get("data")
        sampling = sampling_settings(num_samples=num_samples, **settings)
        return evaluate_run(self.model, sampling, corpus=data, set_name=set)

    def __repr__(self) -> str:
        return f"TrainedRun({self.model.name}, {self.encoding.name}, {len(self.vocabulary)} tokens)"


def evaluate_run(
    model: TrainedModel,
    sampling: SamplingSettings,
    *,
    corpus: Mapping[str, Any] | None = None,
    set_name: str = "test",
    checkpoint: str = "best",
    resamples: int = 1000,
) -> dict[str, Any]:
    """Return the content of evaluation.json.

    ``corpus``: settings of a corpus; None: that of the training. Another one is encoded, and its labels are
    predicted, as the network has learnt it.
    """
    training, data = TrainingContext.of_model(model).corpus, None
    if corpus is not None:
        learnt = model.config["data"]
        rules = ("encoding", "objective", "sequence_len", "transpose")
        taken = {key: learnt[key] for key in rules if key in learnt and key in corpus}
        data = build({**corpus, **taken})
    held_out = held_out_set(data or training, set_name, model.vocabulary)
    return evaluate(model, training, held_out, sampling, checkpoint=checkpoint, resamples=resamples)


def sampling_settings(**changes: Any) -> SamplingSettings:
    """Return the settings of conf/sampling with these changes, checked as on the command line."""
    typed = [f"sampling.{key}={as_typed(value)}" for key, value in changes.items()]
    return from_plain(SamplingSettings, plain(compose("sample", ["run=.", *typed]).sampling))


def load_run(path: Path | str, checkpoint: str = "best") -> TrainedRun:
    """Open a run or a checkpoint file; EtudeError if it does not exist, or Étude did not write it.

    ``path``: a folder, a file, "latest", the beginning of the name or hash of a run below ``outputs``, or
    "pretrained/NAME".
    """
    file, _ = find_checkpoint(path, checkpoint)
    folder = file.parent.parent
    with torch.random.fork_rng(devices=[]):  # a network draws its first weights
        model = load_model(file)
    return TrainedRun(model, folder if is_run(folder) else None)
