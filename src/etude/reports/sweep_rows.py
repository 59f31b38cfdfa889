"""Runs side by side: their settings and results, which settings differ, and the means over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, NamedTuple

from etude.config.jobs import Outcome
from etude.reports.cells import UNSET, short

if TYPE_CHECKING:
    from etude.reports.curves import Metrics

SEED = "seed"


@dataclass(frozen=True)
class SweepRow:
    """One job: its ``settings`` (config key → value), and its run's results ({} if it has none).

    ``metrics`` are the logged metrics by epoch, ``error`` is why there are no results.
    """

    settings: Mapping[str, Any]
    results: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    metrics: Metrics = field(default_factory=dict)

    @property
    def loss(self) -> float | None:
        """The best validation loss (nats per token), by which runs are compared."""
        loss = self.validation.get("nats")
        return loss if loss is not None and math.isfinite(loss) and not self.error else None

    @property
    def validation(self) -> Mapping[str, Any]:
        """Validation metrics of the best epoch; {} if there are none."""
        found: Mapping[str, Any] = self.results.get("validation", {})
        return found

    @property
    def test(self) -> Mapping[str, Any]:
        """Test metrics; {} if there are none."""
        found: Mapping[str, Any] = self.results.get("test", {})
        return found

    @property
    def minutes(self) -> float | None:
        """Minutes of training."""
        return self.results.get("minutes")

    @property
    def state(self) -> str:
        """State of the job: done if it has results, else failed, pruned, running …"""
        if self.error:
            return "failed"
        return "done" if "validation" in self.results else str(self.results.get("state", "without results"))

    @property
    def folder(self) -> str:
        """The run folder; "" if there is none."""
        return str(self.results.get("folder", ""))

    def setting(self, key: str) -> str:
        """Return the value of a setting as text; a dash if the row has none."""
        return str(self.settings.get(key, UNSET))

    def label(self, keys: Sequence[str]) -> str:
        """Return these settings in short, to tell the row from others."""
        return " ".join(f"{key.rpartition('.')[2]}={short(self.settings.get(key))}" for key in keys)


class SeedMetrics(NamedTuple):
    """Mean and standard deviation (of a sample) over seeds: nats per token; accuracy from 0 to 1."""

    settings: tuple[str, ...]
    runs: int
    validation: tuple[float, float]
    test: tuple[float, float]
    accuracy: tuple[float, float]


def row_of(outcome: Outcome) -> SweepRow:
    """Return the row of a job."""
    pairs = (override.partition("=") for override in outcome.overrides)
    settings = {key.lstrip("+~"): value for key, _, value in pairs}
    return SweepRow(settings, outcome.result or {}, outcome.error)


def axes(rows: Sequence[SweepRow]) -> list[str]:
    """Return the keys that the rows have different values of, in the order they were typed."""
    keys = list(dict.fromkeys(key for row in rows for key in row.settings))
    # compared as text: to Python 1, 1.0 and true are equal
    return [key for key in keys if len({row.setting(key) for row in rows}) > 1]


def trainings(rows: Sequence[SweepRow]) -> list[SweepRow]:
    """Return the rows with results, one for each run folder: jobs that only sample differently share one."""
    return list({row.folder: row for row in rows if row.loss is not None}.values())


def best(rows: Sequence[SweepRow]) -> SweepRow | None:
    """Return the row with the lowest validation loss; None if none has one."""
    found = [(row.loss, place) for place, row in enumerate(rows) if row.loss is not None]
    return rows[min(found)[1]] if found else None


def over_seeds(rows: Sequence[SweepRow]) -> tuple[list[str], list[SeedMetrics]]:
    """Return the keys besides the seed, and for each combination of their values the metrics over seeds.

    Empty where no combination has two seeds with results.
    """
    ran = trainings(rows)
    keys = [key for key in axes(ran) if key != SEED]
    groups: dict[tuple[str, ...], list[SweepRow]] = {}
    for row in ran:
        groups.setdefault(tuple(str(row.settings.get(key, "")) for key in keys), []).append(row)
    if SEED not in axes(ran) or max(map(len, groups.values()), default=0) < 2:
        return keys, []
    return keys, [
        SeedMetrics(
            settings,
            len(members),
            _spread([row.validation["nats"] for row in members]),
            _spread([row.test["nats"] for row in members]),
            _spread([row.test["accuracy"] for row in members]),
        )
        for settings, members in groups.items()
    ]


def with_deviation(mean_and_deviation: tuple[float, float], form: str = ".3f") -> str:
    """Return "mean ± deviation"; the mean alone where one run has no deviation."""
    return " ± ".join(format(value, form) for value in mean_and_deviation if not math.isnan(value))


def _spread(values: Sequence[float]) -> tuple[float, float]:
    return mean(values), stdev(values) if len(values) > 1 else math.nan
