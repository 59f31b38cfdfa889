"""Several runs side by side: which settings set them apart, their figures, and what seeds gave together."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from etude.config.jobs import Outcome
from etude.reports.tables import BEST, Job, short, sweep_table
from etude.terminal import csv_cell, output_console

if TYPE_CHECKING:
    from etude.reports.curves import Metrics

SEED = "seed"


@dataclass(frozen=True)
class SweepRow:
    """One job: what was ``asked`` of it (config key → value), and the results of its run ({} if it has none).

    ``metrics`` are the run's logged figures by epoch, ``error`` is why it has no results.
    """

    asked: Mapping[str, Any]
    results: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    metrics: Metrics = field(default_factory=dict)

    @property
    def loss(self) -> float | None:
        """The best validation loss (nats per token), by which runs are compared."""
        loss = self.results.get("validation", {}).get("nats")
        return loss if loss is not None and math.isfinite(loss) else None

    @property
    def state(self) -> str:
        """How a job without figures stands: failed, pruned, running; done for one with figures."""
        if self.error:
            return "failed"
        return "done" if "validation" in self.results else str(self.results.get("state", "without figures"))

    @property
    def folder(self) -> str:
        """The run folder; "" if there is none."""
        return str(self.results.get("folder", ""))


class Figures(NamedTuple):
    """Mean and deviation (that of a sample) of what several seeds gave; nats per token, a share."""

    settings: tuple[str, ...]
    runs: int
    validation: tuple[float, float]
    test: tuple[float, float]
    accuracy: tuple[float, float]


def axes(rows: Sequence[SweepRow]) -> list[str]:
    """Return the keys that the rows have different values of, in the order they were typed."""
    keys = list(dict.fromkeys(key for row in rows for key in row.asked))
    return [key for key in keys if len({str(row.asked.get(key)) for row in rows}) > 1]


def trainings(rows: Sequence[SweepRow]) -> list[SweepRow]:
    """Return the rows with results, one for each run folder: jobs that only sample differently share one."""
    return list({row.folder: row for row in rows if row.loss is not None}.values())


def best(rows: Sequence[SweepRow]) -> SweepRow | None:
    """Return the row with the lowest validation loss; None if none has one."""
    found = [(row.loss, place) for place, row in enumerate(rows) if row.loss is not None]
    return rows[min(found)[1]] if found else None


def over_seeds(rows: Sequence[SweepRow]) -> tuple[list[str], list[Figures]]:
    """Return the keys besides the seed, and for each of their combinations what its seeds gave together.

    Empty where no combination has two seeds with results.
    """
    ran = trainings(rows)
    keys = [key for key in axes(ran) if key != SEED]
    groups: dict[tuple[str, ...], list[SweepRow]] = {}
    for row in ran:
        groups.setdefault(tuple(str(row.asked.get(key, "")) for key in keys), []).append(row)
    if SEED not in axes(ran) or max(map(len, groups.values()), default=0) < 2:
        return keys, []
    return keys, [
        Figures(
            settings,
            len(members),
            _spread([row.results["validation"]["nats"] for row in members]),
            _spread([row.results["test"]["nats"] for row in members]),
            _spread([row.results["test"]["accuracy"] for row in members]),
        )
        for settings, members in groups.items()
    ]


def spelt(figure: tuple[float, float], form: str = ".3f") -> str:
    """Return "mean ± deviation"; the mean alone where one run has no deviation."""
    return " ± ".join(format(value, form) for value in figure if not math.isnan(value))


def as_csv(rows: Sequence[SweepRow]) -> str:
    """Return a line for each job: its settings, figures and folder, or its error."""
    keys = axes(rows)
    heads = ["validation_nats", "best_epoch", "epochs", "test_nats", "test_bits", "test_accuracy", "minutes"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*keys, *heads, "folder", "state", "error"])
    for row in rows:
        validation, test = row.results.get("validation", {}), row.results.get("test", {})
        figures = [validation.get(key, "") for key in ("nats", "best_epoch", "epochs")]
        figures += [test.get(key, "") for key in ("nats", "bits", "accuracy")]
        figures.append(row.results.get("minutes", ""))
        asked = (row.asked.get(key, "") for key in keys)
        writer.writerow(map(csv_cell, [*asked, *figures, row.folder, row.state, row.error]))
    return text.getvalue()


def print_jobs(outcomes: Sequence[Outcome]) -> None:
    """Print what came of the jobs of a multirun."""
    print_rows([row_of(outcome) for outcome in outcomes], title="jobs")


def print_rows(rows: Sequence[SweepRow], title: str) -> None:
    """Print a table of the jobs, and one of the means where several seeds were run."""
    console = output_console()
    console.print(sweep_table([_job(row) for row in rows], title=title))
    keys, figures = over_seeds(rows)
    if figures:
        console.print(seeds_table(keys, figures))


def row_of(outcome: Outcome) -> SweepRow:
    """Return the row of a job, given what came of it."""
    asked = {key.lstrip("+~"): value for key, _, value in (each.partition("=") for each in outcome.overrides)}
    return SweepRow(asked, outcome.result or {}, outcome.error)


def seeds_table(keys: Sequence[str], figures: Sequence[Figures]) -> Table:
    """Return a row for each combination of settings: mean ± deviation; a star at the lowest validation."""
    caption = Text("± is the deviation of a sample (n − 1)")
    look: dict[str, Any] = {"caption_justify": "left", "box": SIMPLE_HEAD, "pad_edge": False}
    table = Table(title="over seeds", caption=caption, **look)
    for heading in ("", *keys, "seeds"):
        table.add_column(heading)
    for heading in ("validation nats", "test nats", "accuracy"):
        table.add_column(heading, justify="right", no_wrap=True)
    lowest = min(each.validation[0] for each in figures)
    for each in figures:
        cells = [spelt(each.validation), spelt(each.test), spelt(each.accuracy, ".1%")]
        star = BEST if each.validation[0] == lowest else ""
        table.add_row(star, *(Text(short(text)) for text in each.settings), str(each.runs), *cells)
    return table


def _job(row: SweepRow) -> Job:
    if row.error:
        return Job(overrides=row.asked, folder=row.folder, error=row.error)
    if row.state != "done":
        return Job(overrides=row.asked, folder=row.folder, state=row.state)
    test = row.results.get("test", {})
    return Job(
        overrides=row.asked,
        folder=row.folder,
        validation=row.results.get("validation", {}).get("nats"),
        nats=test.get("nats"),
        accuracy=test.get("accuracy"),
        minutes=row.results.get("minutes"),
    )


def _spread(values: Sequence[float]) -> tuple[float, float]:
    return mean(values), stdev(values) if len(values) > 1 else math.nan
