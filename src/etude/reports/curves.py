"""Learning curves: a run's ``metrics.csv`` as two pictures, loss and accuracy against epoch."""

from __future__ import annotations

import io
import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from etude.errors import EtudeError
from etude.files import atomic_write
from etude.stored_files import StoredFileError
from etude.stored_tables import read_table

if TYPE_CHECKING:  # it needs torch, and reports of a sweep do not
    from etude.evaluation.baselines import Baseline

Points = list[tuple[float, float]]
Metrics = dict[str, Points]

TRAIN_COLOUR, VAL_COLOUR = "#0072b2", "#d55e00"  # distinct to the colour-blind
BASELINE_COLOUR, BASELINE_DASHES = "#666666", ("--", ":", "-.")


def read_metrics(path: Path) -> Metrics:
    """Return the (epoch, value) points of every metric, in the file's order.

    The file is what Lightning's CSVLogger writes: columns ``epoch``, ``step`` and one per metric, each row
    with only some of them filled. EtudeError if it cannot be read, has no epochs, or a cell is no number.
    """
    metrics: defaultdict[str, Points] = defaultdict(list)
    try:
        columns, rows = read_table(path)
    except OSError as error:
        raise EtudeError(f"{path}: {error.strerror}") from error
    if "epoch" not in columns:
        raise EtudeError(f"{path}: no column named 'epoch'; is it the metrics.csv of a run?")
    for row in rows:
        epoch = row.number("epoch")
        if epoch is not None and not math.isfinite(epoch):
            raise StoredFileError(f"{row.place}: {epoch} is not an epoch")
        for name in row.cells:
            value = None if name in {"epoch", "step"} else row.number(name)
            if epoch is not None and value is not None:
                metrics[name].append((epoch, value))
    return dict(metrics)


def draw_curves(metrics: Metrics, folder: Path, baselines: Sequence[Baseline] = ()) -> list[Path]:
    """Write the pictures of `curve_figures` into ``folder``, which must exist; return their paths."""
    paths = []
    for name, figure in curve_figures(metrics, baselines).items():
        image = io.BytesIO()
        figure.savefig(image, format="png")
        atomic_write(folder / name, image.getvalue())
        paths.append(folder / name)
    return paths


def curve_figures(metrics: Metrics, baselines: Sequence[Baseline] = ()) -> dict[str, Figure]:
    """Return the figures of ``loss.png`` and ``accuracy.png``, by file name, where there is a curve to show.

    Each has a curve for training and one for validation, a mark at the epoch with the lowest validation
    loss, and a horizontal line for each of ``baselines``. Several points of one epoch count as their mean.
    """
    finite = [(value, epoch) for epoch, value in metric_points(metrics, "val/loss") if math.isfinite(value)]
    best = min(finite)[1] if finite else None  # the first of equals
    figures = {}
    for name, label, heights in (
        ("loss", "loss (nats per token)", [(baseline.name, baseline.nats) for baseline in baselines]),
        ("accuracy", "accuracy", [(baseline.name, baseline.accuracy) for baseline in baselines]),
    ):
        train, val = metric_points(metrics, f"train/{name}"), metric_points(metrics, f"val/{name}")
        if train or val:
            figures[f"{name}.png"] = _draw(label, train, val, best, heights)
    return figures


def _draw(
    label: str, train: Points, val: Points, best: float | None, baselines: Sequence[tuple[str, float | None]]
) -> Figure:
    figure = Figure(figsize=(7, 4.2), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    # Markers: a line through a single epoch is invisible.
    for points, name, colour in ((train, "training", TRAIN_COLOUR), (val, "validation", VAL_COLOUR)):
        if points:
            axes.plot(
                *zip(*points, strict=True), color=colour, label=name, marker=".", markersize=5, linewidth=1.6
            )
    if best is not None:
        axes.axvline(best, color=VAL_COLOUR, linewidth=0.8, alpha=0.5)
        for epoch, value in val:
            if epoch == best:
                name = f"lowest validation loss (epoch {best:g})"
                axes.plot([epoch], [value], "o", markersize=9, fillstyle="none", color=VAL_COLOUR, label=name)
    for (name, height), dashes in zip(baselines, cycle(BASELINE_DASHES), strict=False):
        if height is not None:
            axes.axhline(height, color=BASELINE_COLOUR, linestyle=dashes, linewidth=1.1, label=name)
    epochs = [epoch for epoch, _ in train + val]
    axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    dress(axes, label)
    if label == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(frameon=False, fontsize="small", loc="outside lower center", ncols=3)
    return figure


def dress(axes: Axes, label: str) -> None:
    """Label the axes of curves by epoch, and draw a light grid."""
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def metric_points(metrics: Metrics, name: str) -> Points:
    """Return a metric by epoch, the first epoch as 1: the mean over an epoch if Lightning logged one."""
    values: defaultdict[float, list[float]] = defaultdict(list)
    for epoch, value in metrics.get(f"{name}_epoch") or metrics.get(name, []):
        values[epoch].append(value)
    return [(epoch + 1, sum(values[epoch]) / len(values[epoch])) for epoch in sorted(values)]
