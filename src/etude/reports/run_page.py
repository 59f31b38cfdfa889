"""Self-contained HTML page of a run: how to repeat it, curves, evaluation, samples that play."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from etude.evaluation.metrics import baselines_from
from etude.reports.cells import cell, page_tables
from etude.reports.curves import Metrics, Points, metric_points
from etude.reports.evaluation_tables import evaluation_tables
from etude.reports.pages import render
from etude.reports.sample_cards import Card, Room, SampleSet, sample_set
from etude.reports.tables import results_line, results_table

SET_NAMES = {"before": "Before training", "after": "After training"}
MOST_EPOCHS = 6  # with a sample on the page, evenly spread


class RunContent(NamedTuple):
    """Content of a run's files; ``settings`` by dotted key."""

    manifest: Mapping[str, Any]
    results: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    settings: Mapping[str, Any]
    metrics: Metrics


class Fact(NamedTuple):
    """A number at the top of the page, and its meaning."""

    name: str
    value: str
    words: str


def run_page(name: str, content: RunContent, samples: Path) -> str:
    """Return the page of a finished run.

    ``samples``: its folder with ``before``, ``after``, and ``epoch-N`` where samples of epochs were wanted.
    """
    manifest, results = content.manifest, content.results
    room = Room()
    found = {key: sample_set(samples / key, key, room) for key in reversed(SET_NAMES)}  # the best first
    sets = {SET_NAMES[key]: each for key in SET_NAMES if (each := found[key]) is not None}
    return render(
        "run.html",
        title=f"{results['model']} on {content.settings.get('data.name', 'a corpus')}",
        name=name,
        facts=_facts(content),
        run_command=shlex.join(manifest["command"]),
        circumstances=_circumstances(manifest),
        warnings=manifest["warnings"],
        charts=_charts(content),
        tables=page_tables(
            evaluation_tables(content.evaluation) if content.evaluation else [results_table(results)]
        ),
        line=results_line(results),
        sets=sets,
        pairs=_pairs(sets),
        epochs=_epochs(samples, room),
        yardstick=_yardstick(sets),
        values=content.settings,
    )


def _pairs(sets: Mapping[str, SampleSet]) -> list[list[tuple[str, Card]]]:
    """Return the first sample of each set, then the second of each …, with the names of the sets."""
    rows = zip_longest(*(each.cards for each in sets.values()))
    return [[(name, card) for name, card in zip(sets, row, strict=True) if card is not None] for row in rows]


def _epochs(samples: Path, room: Room) -> list[tuple[str, Card]]:
    """Return the first sample of each of some epochs, with its name."""
    numbered = {int(path.name[6:]): path for path in samples.glob("epoch-*") if path.name[6:].isdecimal()}
    chosen = sorted(numbered)[:: -(-len(numbered) // MOST_EPOCHS) or 1]
    found = {number: sample_set(numbered[number], f"epoch-{number}", room, most=1) for number in chosen}
    return [(f"Epoch {number}", each.cards[0]) for number, each in found.items() if each and each.cards]


def _yardstick(sets: Mapping[str, SampleSet]) -> str:
    """Return how long the runs are that human pieces share with training pieces, "" if that is unknown."""
    for each in sets.values():
        if found := each.about.get("held_out_copies"):
            pieces, median, most = found["pieces"], found["median_run"], found["longest_run"]
            return (
                f"Copied? Human music is the yardstick: {pieces} held-out pieces share a run of "
                f"{median:.0f} notes with a training piece (median; {most} at most)."
            )
    return ""


def _facts(content: RunContent) -> list[Fact]:
    results = content.results
    test, chosen = results["test"], [each for each in baselines_from(results["baselines"]) if each.chosen]
    facts = [
        Fact("Test loss", cell(test["nats"], ".3f"), "nats per token; lower is better"),
        Fact("Test accuracy", cell(test["accuracy"], ".1%"), "of tokens were the likeliest"),
    ]
    facts += [Fact("Best n-gram", cell(each.nats, ".3f"), f"nats per token ({each.name})") for each in chosen]
    val = results["validation"]
    facts.append(Fact("Best epoch", f"{val['best_epoch']} of {val['epochs']}", "by validation loss"))
    return [*facts, Fact("Training", f"{results['minutes']:.1f} min", "of wall-clock time")]


def _circumstances(manifest: Mapping[str, Any]) -> dict[str, str]:
    git, machine = manifest["git"], manifest["machine"]
    changes = "with uncommitted changes" if git["diff"] else "without changes"
    packages = manifest["packages"]
    counts = manifest["corpus"]["counts"]
    threads = f"{machine['threads']} thread{'s' * (machine['threads'] != 1)}"
    return {
        "Corpus": f"{counts['pieces']:,} pieces, {counts['tokens']:,} tokens ({counts['vocabulary']} kinds)",
        "Seed": str(manifest["seed"]),
        "Code": f"commit {git['commit'][:10]}, {changes}" if git["commit"] else "not from a checkout",
        "Packages": ", ".join(
            f"{name} {packages[name]}" for name in ("etude", "torch") if packages.get(name)
        ),
        "Machine": ", ".join([f"{machine['processor']}, {threads}", *machine["gpus"]]),
        "Started": str(manifest["started"]).replace("T", " ").replace("+00:00", " UTC"),
    }


def _charts(content: RunContent) -> list[dict[str, Any]]:
    """Return loss and accuracy by epoch, with the baselines that loss.png and accuracy.png have."""
    known = baselines_from(content.results["baselines"])
    shown = [each for each in known if each.chosen or each.nats is None]
    losses = [(each.name, each.nats) for each in shown]
    accuracies = [(each.name, each.accuracy) for each in shown]
    charts = [
        _chart("Loss", "nats per token", "loss", content.metrics, losses),
        _chart("Accuracy", "%", "accuracy", content.metrics, accuracies),
    ]
    return [chart for chart in charts if chart["epochs"]]


def _chart(
    title: str, unit: str, metric: str, metrics: Metrics, baselines: Sequence[tuple[str, float | None]]
) -> dict[str, Any]:
    scale = 100 if unit == "%" else 1
    train, val = metric_points(metrics, f"train/{metric}"), metric_points(metrics, f"val/{metric}")
    epochs = sorted({epoch for epoch, _ in train + val})
    lines: list[dict[str, Any]] = [
        {"name": "training", "values": _at(epochs, train, scale)},
        {"name": "validation", "values": _at(epochs, val, scale)},
    ]
    lines += [
        {"name": name, "values": [round(height * scale, 4)] * len(epochs), "baseline": True}
        for name, height in baselines
        if height is not None
    ]
    return {"title": title, "unit": unit, "epochs": epochs, "lines": lines}


def _at(epochs: Sequence[float], points: Points, scale: float) -> list[float | None]:
    known = {epoch: value for epoch, value in points if math.isfinite(value)}
    return [round(known[epoch] * scale, 4) if epoch in known else None for epoch in epochs]
