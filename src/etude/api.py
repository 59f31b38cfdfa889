"""Python interface: a trained run, or a checkpoint file alone, opened for sampling."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from etude.config.build import build
from etude.config.compose import compose, plain
from etude.config.fields import from_plain
from etude.config.overrides import as_typed
from etude.evaluation.evaluate import evaluate
from etude.evaluation.held_out import held_out_set
from etude.models.checkpoint import TrainedModel, load_model
from etude.music import Piece
from etude.runs.lookup import find_checkpoint
from etude.sampling.context import TrainingContext
from etude.sampling.generation import generate
from etude.sampling.settings import SamplingSettings


class TrainedRun:
    """A trained model: network, encoding, vocabulary, the training config, and :meth:`sample`."""

    def __init__(self, model: TrainedModel) -> None:
        self.model = model
        self.network = model.network
        self.encoding, self.vocabulary, self.config = model.encoding, model.vocabulary, model.config

    def sample(self, n: int = 5, **settings: Any) -> list[Piece]:
        """Generate ``n`` pieces; ``settings`` are those of conf/sampling: ``temperature=1.0, primer="60 _"``.

        EtudeError for an unknown setting or a value out of range.
        """
        samples = generate(self.model, sampling_settings(num_samples=n, **settings)).samples
        return [one.piece for one in samples]

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
    return TrainedRun(load_model(find_checkpoint(path, checkpoint)[0]))
