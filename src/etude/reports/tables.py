"""The test metrics of one run beside its baselines, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from etude.evaluation.baselines import Baseline
from etude.evaluation.likelihood import LabelMetrics, nats_to_bits, nats_to_perplexity
from etude.evaluation.metrics import baselines_from
from etude.reports.cells import BEST, cell, numbers, plain_table


def results_table(results: Mapping[str, Any]) -> Table:
    """Return the test metrics of a run's results.json, and below them those of its baselines.

    If one of them has a score on onset labels alone, two more columns show it. A star marks the baseline
    chosen on validation, and the caption compares it.
    """
    test, baselines = results["test"], baselines_from(results["baselines"])
    onsets = LabelMetrics(**test["onsets"]) if test["onsets"] else None
    rows = [Baseline(results["model"], test["nats"], test["accuracy"], onsets), *baselines]
    with_onsets = any(row.onsets is not None for row in rows)
    headings = ["nats", "bits", "perplexity", "accuracy", *(["onset nats", "onset accuracy"] * with_onsets)]
    columns, verdict = numbers(*headings, no_wrap=False), _verdict(test["nats"], baselines)
    table = plain_table("", *columns, title="test metrics", caption=verdict)
    for row in rows:
        units = (nats_to_bits, nats_to_perplexity)
        bits, perplexity = (None if row.nats is None else unit(row.nats) for unit in units)
        cells = [cell(row.nats, ".3f"), cell(bits, ".3f"), cell(perplexity, ".2f"), cell(row.accuracy, ".1%")]
        if with_onsets:
            nats, accuracy = (row.onsets.nats, row.onsets.accuracy) if row.onsets else (None, None)
            cells += [cell(nats, ".3f"), cell(accuracy, ".1%")]
        name = Text(f"{row.name} {BEST}" if row.chosen else row.name)
        table.add_row(name, *cells, style="bold" if row is rows[0] else None, end_section=row is rows[0])
    return table


def results_line(results: Mapping[str, Any]) -> str:
    """Return the test and validation metrics of a run's results.json, its best epoch and its minutes."""
    test, val = results["test"], results["validation"]
    return (
        f"test: {test['nats']:.3f} nats/token, {test['bits']:.3f} bits/token, "
        f"accuracy {test['accuracy']:.1%} (validation: {val['nats']:.3f} nats/token, {val['accuracy']:.1%}); "
        f"best of {val['epochs']} epochs: {val['best_epoch']}; {results['minutes']:.1f} minutes"
    )


def part_lines(results: Mapping[str, Any]) -> list[str]:
    """Return a line for each part of the test set that the corpus names."""
    return [
        f"{part['pieces']} {name}: {part['nats']:.3f} nats/token, accuracy {part['accuracy']:.1%}"
        for name, part in results.get("parts", {}).items()
    ]


def _verdict(nats: float, baselines: Sequence[Baseline]) -> Text | None:
    for baseline in baselines:
        if baseline.chosen and baseline.nats is not None:
            gap = baseline.nats - nats
            side = "better" if gap >= 0 else "worse"
            return Text(
                f"{BEST} best n-gram on the validation pieces; "
                f"the model is {abs(gap):.3f} nats/token {side} (lower is better)"
            )
    return None
