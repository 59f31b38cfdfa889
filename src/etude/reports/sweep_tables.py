"""Tables of a sweep: its jobs, in the terminal or as CSV, and the means over seeds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import PurePath

from rich.table import Column, Table
from rich.text import Text

from etude.config.jobs import Outcome
from etude.reports.cells import BEST, cell, numbers, plain_table, short
from etude.reports.sweep_rows import SeedMetrics, SweepRow, axes, best, over_seeds, row_of, with_deviation
from etude.terminal import csv_cell, output_console

LISTED = 100  # jobs in the terminal's table


def print_jobs(outcomes: Sequence[Outcome]) -> None:
    """Print the table of a multirun's jobs."""
    print_rows([row_of(outcome) for outcome in outcomes], title="jobs")


def print_rows(rows: Sequence[SweepRow], title: str) -> None:
    """Print a table of the jobs, and one of the means where several seeds were run."""
    console = output_console()
    shown = rows if len(rows) <= LISTED else sorted(rows, key=lambda row: row.loss or math.inf)[:LISTED]
    console.print(sweep_table(shown, title=title))
    if len(shown) < len(rows):
        console.print(f"the best {len(shown)} of {len(rows)} jobs; table.csv and report.html have them all")
    keys, metrics = over_seeds(rows)
    if metrics:
        console.print(seeds_table(keys, metrics))


def sweep_table(rows: Sequence[SweepRow], title: str | None = None) -> Table:
    """Return one line per job, in the given order: changed settings, metrics, minutes and folder.

    A star marks the lowest validation loss, by which jobs are compared. The caption has what all lines would
    repeat (settings that all jobs share, the parent of the run folders), and why jobs failed.
    """
    changed, winner = axes(rows), best(rows)
    parent, names = _parent_and_names([row.folder for row in rows])
    caption = _caption(rows, changed, parent, names)
    columns: list[Column | str] = [
        "",
        *(Column(heading, overflow="fold") for heading in _short_keys(changed)),
        *numbers("val nats", "test nats", "accuracy", "minutes"),
        Column("run folder", no_wrap=True),
    ]
    table = plain_table(*columns, title=title, caption=caption)
    for row, name in zip(rows, names, strict=True):
        settings = [Text(short(row.setting(key))) for key in changed]
        minutes, folder = cell(row.minutes, ".1f"), Text(name)
        if row.error:
            table.add_row("✗", *settings, "failed", "", "", minutes, folder, style="red")
        elif row.state != "done":
            table.add_row("", *settings, row.state, "", "", minutes, folder, style="dim")
        else:
            metrics = [cell(row.validation.get("nats"), ".3f"), cell(row.test.get("nats"), ".3f")]
            metrics.append(cell(row.test.get("accuracy"), ".1%"))
            star, style = (BEST, "bold") if row is winner else ("", None)
            table.add_row(star, *settings, *metrics, minutes, folder, style=style)
    return table


def seeds_table(keys: Sequence[str], metrics: Sequence[SeedMetrics]) -> Table:
    """Return a line for each combination of settings: mean ± deviation; a star at the lowest validation."""
    columns: list[Column | str] = ["", *keys, "seeds", *numbers("validation nats", "test nats", "accuracy")]
    caption = Text("± is the deviation of a sample (n − 1)")
    table = plain_table(*columns, title="over seeds", caption=caption)
    lowest = min(each.validation[0] for each in metrics)
    for each in metrics:
        cells = [with_deviation(each.validation), with_deviation(each.test)]
        cells.append(with_deviation(each.accuracy, ".1%"))
        star = BEST if each.validation[0] == lowest else ""
        table.add_row(star, *(Text(short(text)) for text in each.settings), str(each.runs), *cells)
    return table


def as_csv(rows: Sequence[SweepRow]) -> str:
    """Return a line for each job: its settings, metrics and folder, or its error."""
    keys = axes(rows)
    heads = ["validation_nats", "best_epoch", "epochs", "test_nats", "test_bits", "test_accuracy", "minutes"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*keys, *heads, "folder", "state", "error"])
    for row in rows:
        cells = [row.settings.get(key, "") for key in keys]
        cells += [row.validation.get(key, "") for key in ("nats", "best_epoch", "epochs")]
        cells += [row.test.get(key, "") for key in ("nats", "bits", "accuracy")]
        cells += ["" if row.minutes is None else row.minutes, row.folder, row.state, row.error]
        writer.writerow(map(csv_cell, cells))
    return text.getvalue()


def _short_keys(keys: Sequence[str]) -> list[str]:
    """Return the last part of each dotted key, or the whole where two keys would look the same."""
    last = [key.rpartition(".")[2] for key in keys]
    return [part if last.count(part) == 1 else key for key, part in zip(keys, last, strict=True)]


def _parent_and_names(folders: Sequence[str]) -> tuple[str, list[str]]:
    """Split run folders into their common parent, "" if there is none, and the names to show."""
    there = [folder for folder in folders if folder]  # a job that failed early has none
    if len(there) < 2 or len(parents := {str(PurePath(folder).parent) for folder in there}) > 1:
        return "", list(folders)
    return parents.pop(), [PurePath(folder).name for folder in folders]


def _caption(
    rows: Sequence[SweepRow], changed: Sequence[str], parent: str, names: Sequence[str]
) -> Text | None:
    lines = []
    for row, name in zip(rows, names, strict=True):
        if row.error:
            settings = " ".join(f"{key}={row.settings[key]}" for key in row.settings if key in changed)
            lines.append(f"{name or settings} failed: {row.error}")
    first = rows[0].settings if rows else {}
    shared = [f"{key}={value}" for key, value in first.items() if key not in changed]
    if shared:
        lines.append(f"every job: {' '.join(shared)}")
    if parent:
        lines.append(f"run folders in: {parent}")
    return Text("\n".join(lines)) if lines else None
