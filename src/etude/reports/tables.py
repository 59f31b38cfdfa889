"""Tables for the terminal: the jobs of a sweep side by side, and one run beside its baselines."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import NotRequired, TypedDict

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from etude.evaluation.baselines import Baseline
from etude.evaluation.likelihood import LabelMetrics, nats_to_bits, nats_to_perplexity

BEST = "★"
UNSET = "–"
_FRACTION = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+(?=e))(e[+-]?\d+)?", re.IGNORECASE)


class Job(TypedDict):
    """One job of a sweep; a job that failed, or was not trained to its end, lacks the figures.

    ``overrides`` maps config keys to values, ``validation`` is the lowest validation loss (nats), ``nats``
    and ``accuracy`` (a share, 0 to 1) are the test's, ``error`` is why the job failed, ``state`` how another
    job without figures stands.
    """

    overrides: Mapping[str, object]
    folder: str
    validation: NotRequired[float | None]
    nats: NotRequired[float | None]
    accuracy: NotRequired[float | None]
    minutes: NotRequired[float | None]
    error: NotRequired[str | None]
    state: NotRequired[str]


def sweep_table(jobs: Sequence[Job], title: str | None = None) -> Table:
    """Return one row per job, in the given order: what was changed, its figures, minutes and folder.

    A star marks the lowest validation loss, by which jobs are compared. The caption has what the rows would
    only repeat (overrides that all jobs share, the folder that holds the run folders), and why jobs failed.
    """
    changed, shared = _changed_and_shared(jobs)
    parent, names = _parent_and_names([job["folder"] for job in jobs])
    caption = _sweep_caption(jobs, shared, parent, names)
    table = Table(title=title, caption=caption, caption_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for heading in _short(changed):
        table.add_column(heading, overflow="fold")
    for figure in ("val nats", "test nats", "accuracy", "minutes"):
        table.add_column(figure, justify="right", no_wrap=True)
    table.add_column("run folder", no_wrap=True)
    best = _best(jobs)
    for job, name in zip(jobs, names, strict=True):
        overrides = [Text(short(job["overrides"].get(key, UNSET))) for key in changed]
        minutes = _figure(job.get("minutes"), ".1f")
        if job.get("error"):
            table.add_row("✗", *overrides, "failed", "", "", minutes, Text(name), style="red")
        elif job.get("state"):
            table.add_row("", *overrides, job["state"], "", "", minutes, Text(name), style="dim")
        else:
            figures = [_figure(job.get("validation"), ".3f"), _figure(job.get("nats"), ".3f")]
            figures.append(_figure(job.get("accuracy"), ".1%"))
            style = "bold" if job is best else None
            table.add_row(BEST if job is best else "", *overrides, *figures, minutes, Text(name), style=style)
    return table


def run_summary(
    model: str,
    score: LabelMetrics,
    baselines: Sequence[Baseline],
    onsets: LabelMetrics | None = None,
    title: str | None = None,
) -> Table:
    """Return the test figures of the model named ``model``, and below them those of its baselines.

    ``onsets`` is the model's score on onset labels alone; with it, or with baselines that have one, two more
    columns show them. A star marks the baseline chosen on validation, and the caption compares it.
    """
    rows = [Baseline(model, score.nats, score.accuracy, onsets), *baselines]
    with_onsets = any(row.onsets is not None for row in rows)
    caption = _verdict(score, baselines)
    table = Table(title=title, caption=caption, caption_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    headings = ["nats", "bits", "perplexity", "accuracy", *(["onset nats", "onset accuracy"] * with_onsets)]
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        perplexity = None if row.nats is None else nats_to_perplexity(row.nats)
        cells = [_figure(row.nats, ".3f"), _figure(_bits(row.nats), ".3f"), _figure(perplexity, ".2f")]
        cells.append(_figure(row.accuracy, ".1%"))
        if with_onsets:
            nats, accuracy = (row.onsets.nats, row.onsets.accuracy) if row.onsets else (None, None)
            cells += [_figure(nats, ".3f"), _figure(accuracy, ".1%")]
        name = Text(f"{row.name} {BEST}" if row.chosen else row.name)
        table.add_row(name, *cells, style="bold" if row is rows[0] else None, end_section=row is rows[0])
    return table


def short(value: object) -> str:
    """Return a value as text; a long number with four digits that count, unless it is whole."""
    text = str(value)
    return f"{float(text):.4g}" if len(text) > 8 and _FRACTION.fullmatch(text) else text


def _short(keys: Sequence[str]) -> list[str]:
    """Return the last part of each dotted key, or the whole where two keys would look the same."""
    last = [key.rpartition(".")[2] for key in keys]
    return [part if last.count(part) == 1 else key for key, part in zip(keys, last, strict=True)]


def _changed_and_shared(jobs: Sequence[Job]) -> tuple[list[str], dict[str, object]]:
    keys = list(dict.fromkeys(key for job in jobs for key in job["overrides"]))
    changed: list[str] = []
    shared: dict[str, object] = {}
    for key in keys:
        # Compared as they are shown, since to Python 1, 1.0 and true are equal.
        if len({str(job["overrides"].get(key, UNSET)) for job in jobs}) > 1:
            changed.append(key)
        else:
            shared[key] = jobs[0]["overrides"][key]
    return changed, shared


def _parent_and_names(folders: Sequence[str]) -> tuple[str, list[str]]:
    """Split run folders into the one they are in, "" if there is no such, and their names to show."""
    there = [folder for folder in folders if folder]  # a job that failed early has none
    if len(there) < 2 or len(parents := {str(PurePath(folder).parent) for folder in there}) > 1:
        return "", list(folders)
    return parents.pop(), [PurePath(folder).name for folder in folders]


def _sweep_caption(
    jobs: Sequence[Job], shared: Mapping[str, object], parent: str, names: Sequence[str]
) -> Text | None:
    lines = [
        f"{name or _set_apart(job, shared)} failed: {job['error']}"
        for job, name in zip(jobs, names, strict=True)
        if job.get("error")
    ]
    if shared:
        lines.append("every job: " + " ".join(f"{key}={value}" for key, value in shared.items()))
    if parent:
        lines.append(f"run folders in: {parent}")
    return Text("\n".join(lines)) if lines else None


def _set_apart(job: Job, shared: Mapping[str, object]) -> str:
    return " ".join(f"{key}={value}" for key, value in job["overrides"].items() if key not in shared)


def _best(jobs: Sequence[Job]) -> Job | None:
    finished = [
        (loss, job) for job in jobs if (loss := job.get("validation")) is not None and not job.get("error")
    ]
    finite = [pair for pair in finished if math.isfinite(pair[0])]
    return min(finite, key=lambda pair: pair[0])[1] if finite else None


def _verdict(score: LabelMetrics, baselines: Sequence[Baseline]) -> Text | None:
    for baseline in baselines:
        if baseline.chosen and baseline.nats is not None and score.nats is not None:
            gap = baseline.nats - score.nats
            side = "fewer" if gap >= 0 else "more"
            return Text(f"{BEST} chosen on validation; the model needs {abs(gap):.3f} nats {side} per token")
    return None


def _bits(nats: float | None) -> float | None:
    return None if nats is None else nats_to_bits(nats)


def _figure(value: float | None, form: str) -> str:
    return UNSET if value is None else format(value, form)
