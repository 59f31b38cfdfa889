"""Figures of many runs: maps over two settings, learning curves."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import combinations
from statistics import mean

import matplotlib
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from etude.reports.cells import short
from etude.reports.curves import dress
from etude.reports.scales import are_many, is_logarithmic, ordered
from etude.reports.sweep_rows import SweepRow, axes, best

LOSS = "validation nats"
COLOURS = matplotlib.colormaps["viridis"]  # dark is low, and low is good
MOST_MAPS = 6  # on a page
MOST_NAMES, LONGEST_NAME = 12, 48  # most curves in a legend, and characters of a name
MOST_CURVES = 200  # a picture of more is a blot


def svg(figure: Figure) -> bytes:
    """Return the figure as an SVG file, the same bytes for the same figure."""
    image = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "etude", "svg.fonttype": "path"}):
        figure.savefig(image, format="svg", metadata={"Date": None})
    return image.getvalue()


def maps(rows: Sequence[SweepRow]) -> list[Figure]:
    """Return a map of the loss for each pair of settings: the mean over all others.

    If a setting has many values, as in a search, the map has a point for each run.
    """
    keys = [key for key in axes(rows) if key != "seed"]
    return [_map(rows, *pair) for pair in list(combinations(keys, 2))[:MOST_MAPS]]


def _map(rows: Sequence[SweepRow], across: str, down: str) -> Figure:
    many = [are_many([row.settings.get(key) for row in rows]) for key in (across, down)]
    return (_points if any(many) else _heat_map)(rows, across, down)


def learning_curves(rows: Sequence[SweepRow]) -> Figure | None:
    """Return the validation loss of each run against the epoch; None if no run has one.

    Pruned runs are grey. Of more than MOST_CURVES runs the best are drawn.
    """
    drawn = [row for row in rows if row.metrics.get("val/loss") and row.loss is not None]
    drawn = sorted(drawn, key=_loss)[:MOST_CURVES] if len(drawn) > MOST_CURVES else drawn
    if not drawn:
        return None
    figure = Figure(figsize=(10, 4.6), dpi=100, layout="constrained")
    plot = figure.add_subplot()
    losses, winner, keys = [_loss(row) for row in drawn], best(drawn), axes(drawn)
    colours = ScalarMappable(Normalize(min(losses), max(losses)), COLOURS)
    names = [row.label(keys) for row in drawn]
    for row in [row for row in rows if row.loss is None and row.metrics.get("val/loss")][:MOST_CURVES]:
        plot.plot(*zip(*_points_of(row), strict=True), color="#aaaaaa", linewidth=1, zorder=1)
    for row, name in zip(drawn, names, strict=True):
        colour = COLOURS(_share(_loss(row), *colours.get_clim()))
        plot.plot(
            *zip(*_points_of(row), strict=True), color=colour, marker=".", label=name,
            linewidth=2.6 if row is winner else 1.3, zorder=3 if row is winner else 2,
        )  # fmt: skip
    dress(plot, f"{LOSS} per token")
    if not keys:
        return figure
    if len(drawn) <= MOST_NAMES and max(map(len, names)) <= LONGEST_NAME:
        plot.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1))
    else:
        figure.colorbar(colours, ax=plot, label=f"lowest {LOSS}")
    return figure


def _points_of(row: SweepRow) -> list[tuple[float, float]]:
    """Return the epochs, counted from 1, with their finite validation losses."""
    return [(epoch + 1, loss) for epoch, loss in row.metrics["val/loss"] if math.isfinite(loss)]


def _heat_map(rows: Sequence[SweepRow], across: str, down: str) -> Figure:
    columns, lines = (ordered([row.settings.get(key) for row in rows]) for key in (across, down))
    cells: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        cells.setdefault((str(row.settings.get(down)), str(row.settings.get(across))), []).append(_loss(row))
    means = [[mean(cells[x, y]) if (x, y) in cells else math.nan for y in columns] for x in lines]
    figure = Figure(figsize=(2.6 + 0.9 * len(columns), 1.8 + 0.5 * len(lines)), dpi=100, layout="constrained")
    plot = figure.add_subplot()
    image = plot.imshow(means, cmap=COLOURS, aspect="auto")
    low, high = image.get_clim()
    for x, line in enumerate(means):
        for y, value in enumerate(line):
            light = _share(value, low, high) > 0.5
            text = "–" if math.isnan(value) else f"{value:.3f}"
            plot.text(y, x, text, ha="center", va="center", color="black" if light else "white")
    plot.set_xticks(range(len(columns)), map(short, columns))
    plot.set_yticks(range(len(lines)), map(short, lines))
    plot.set_xlabel(across)
    plot.set_ylabel(down)
    plot.set_title(LOSS, fontsize="medium")
    return figure


def _points(rows: Sequence[SweepRow], across: str, down: str) -> Figure:
    figure = Figure(figsize=(6.4, 4.2), dpi=100, layout="constrained")
    plot = figure.add_subplot()
    winner = best(rows)
    sides: list[list[float]] = []
    for key, axis, name in ((across, plot.xaxis, "x"), (down, plot.yaxis, "y")):
        values = [row.settings.get(key) for row in rows]
        if are_many(values):
            sides.append([float(str(value)) for value in values])
            plot.set(**{f"{name}scale": "log" if is_logarithmic(values) else "linear"})
        else:
            names = ordered(values)
            sides.append([float(names.index(str(value))) for value in values])
            axis.set_ticks(range(len(names)), [short(name) for name in names])
        axis.set_label_text(key)
    edges = ["#d62728" if row is winner else "none" for row in rows]
    losses = [_loss(row) for row in rows]
    drawn = plot.scatter(sides[0], sides[1], c=losses, cmap=COLOURS, s=60, edgecolors=edges, linewidths=2)
    figure.colorbar(drawn, ax=plot, label=LOSS)
    plot.grid(color="#eeeeee", linewidth=0.6)
    plot.set_axisbelow(True)
    plot.spines[["top", "right"]].set_visible(False)
    return figure


def _share(value: float, low: float | None, high: float | None) -> float:
    """Return the place of a value between two others, from 0 to 1; 0.5 if those are equal."""
    assert low is not None
    assert high is not None
    return (value - low) / (high - low) if high > low else 0.5


def _loss(row: SweepRow) -> float:
    assert row.loss is not None
    return row.loss
