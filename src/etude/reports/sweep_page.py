"""Self-contained HTML page of a sweep."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from etude.reports.pages import render
from etude.reports.sweep_figures import MOST_CURVES, learning_curves, maps, svg
from etude.reports.sweep_lines import parallel_coordinates
from etude.reports.sweep_rows import SweepRow, axes, best, over_seeds, trainings
from etude.reports.sweep_samples import RunSample

MAPS = "A cell is the mean over all other settings and seeds; a point is a run, a red ring the best."


class _Picture(NamedTuple):
    heading: str
    words: str
    images: list[str]  # SVG files in base64


def sweep_page(rows: Sequence[SweepRow], title: str, command: str, samples: Sequence[RunSample] = ()) -> str:
    """Return the page; ``command`` is the sweep's command line ("" if it is not known)."""
    ran = trainings(rows)
    shown = sorted(rows, key=lambda row: (row.loss is None, row.loss or 0))
    seed_keys, seeds = over_seeds(rows)
    return render(
        "sweep.html",
        title=title,
        run_command=command,
        rows=shown,
        samples=samples,
        lines=parallel_coordinates(shown, ran),
        states=dict(sorted(Counter(row.state for row in rows).items())),
        num_trainings=len(ran),
        axes=axes(rows),
        best=best(rows),
        seed_keys=seed_keys,
        seeds=seeds,
        lowest_mean=min((each.validation[0] for each in seeds), default=0),
        pictures=_pictures(rows, ran) if ran else [],
    )


def _pictures(rows: Sequence[SweepRow], ran: Sequence[SweepRow]) -> list[_Picture]:
    early = [row for row in rows if row.state == "pruned"]
    curves = "The thick line is the best run." + " Grey ones were pruned." * bool(early)
    curves += f" The best {MOST_CURVES} runs are drawn." * (len(ran) > MOST_CURVES)
    found = (
        ("Two settings at a time", MAPS, maps(ran)),
        ("Learning curves", curves, [learning_curves([*ran, *early])]),
    )
    pictures = (
        _Picture(heading, words, [_base64(figure) for figure in figures if figure is not None])
        for heading, words, figures in found
    )
    return [picture for picture in pictures if picture.images]


def _base64(figure: Figure) -> str:
    return base64.b64encode(svg(figure)).decode()
