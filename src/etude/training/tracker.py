"""Tracker: one logger of a run, and what it shows beside metrics."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pytorch_lightning.loggers import Logger

from etude.evaluation.baselines import Baseline
from etude.sampling.samples import Sample

Picture = npt.NDArray[np.uint8]  # (height, width, channels)

AUDIO = (".wav", ".ogg", ".flac", ".mp3")


@dataclass(frozen=True)
class ShownSamples:
    """Samples to show, and their files.

    ``stage`` is before, epochs or after; ``epoch`` counts from 0, as loggers do, None before training.
    ``texts`` are the tokens of each sample as the encoding joins them.
    """

    stage: str
    samples: Sequence[Sample]
    texts: Sequence[str]
    files: Sequence[Path]
    step: int = 0
    epoch: int | None = None

    COLUMNS = ("sample", "tokens", "well formed", "nats per token")

    @property
    def rows(self) -> list[tuple[int, str, bool, float]]:
        """A row of the table for each sample."""
        return [
            (one.number, text, one.is_valid, one.nats)
            for one, text in zip(self.samples, self.texts, strict=True)
        ]

    @property
    def audio(self) -> list[Path]:
        """The files to hear."""
        return [file for file in self.files if file.suffix in AUDIO]

    def pictures(self) -> Iterator[tuple[str, Picture]]:
        """Yield piano rolls and scores under names such as ``sample-1.png``, the scores drawn as pixels."""
        from etude.rendering.engraving import score_png

        names = {file.name for file in self.files}
        for file in self.files:
            if file.suffix == ".png":
                yield file.name, _pixels(file.read_bytes())
        for one in self.samples:
            name = f"sample-{one.number}.score.png"
            if f"sample-{one.number}.svg" in names and name not in names:
                yield name, _pixels(score_png(one.piece))


@dataclass(frozen=True)
class FinalMetrics:
    """Final metrics of a training.

    ``test`` has them under the names of metrics, ``results`` as results.json does. ``baselines`` are those to
    compare with; ``step`` and ``epoch`` the last ones.
    """

    test: Mapping[str, float]
    results: Mapping[str, Any]
    baselines: Sequence[Baseline]
    checkpoint: Path
    step: int
    epoch: int

    def lines(self) -> dict[str, float]:
        """Return the baselines as metrics, to be drawn as horizontal lines."""
        found: dict[str, float] = {}
        for each in self.baselines:
            name = "".join(sign if sign.isalnum() else "-" for sign in each.name).strip("-")
            if each.nats is not None:
                found[f"baselines/loss/{name}"] = each.nats
            found[f"baselines/accuracy/{name}"] = each.accuracy
        return found


class Tracker:
    """A logger that shows metrics alone."""

    def __init__(self, logger: Logger) -> None:
        self.logger = logger

    def show_samples(self, samples: ShownSamples) -> None:
        """Show samples, if the logger can."""

    def log_test(self, test: Mapping[str, float], step: int, epoch: int) -> None:
        """Log the test metrics."""
        self.logger.log_metrics({**test, "epoch": epoch}, step)
        self.logger.finalize("success")

    def finish(self, outcome: FinalMetrics) -> None:
        """Show the final metrics beside the baselines, if the logger can."""


def as_logged(test: Mapping[str, Any], own: Iterable[str]) -> dict[str, float]:
    """Return test metrics under the names that loggers know; ``own``: the names of the user's own."""
    names = {
        "loss": "nats",
        "accuracy": "accuracy",
        "perplexity": "perplexity",
        **{name: name for name in own},
    }
    return {f"test/{name}": test[key] for name, key in names.items()}


def _pixels(png: bytes) -> Picture:
    from matplotlib.image import imread

    return (imread(io.BytesIO(png)) * 255).round().astype(np.uint8)
