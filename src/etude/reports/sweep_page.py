"""Self-contained HTML page of a sweep: its jobs, a line for each run, pictures, a sample of each run."""

from __future__ import annotations

import base64
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from etude.reports.pages import render
from etude.reports.sample_cards import Card, Room, sample_set
from etude.reports.scales import are_many, scale
from etude.reports.sweep_figures import LOSS, MOST_CURVES, learning_curves, maps, svg
from etude.reports.sweep_rows import SweepRow, axes, best, over_seeds, trainings

MAPS = "A cell is the mean over all other settings and seeds; a point is a run, a red ring the best."
FAN = 0.07  # of an axis: distance of the outer lines through one value, to keep them apart
MOST_RUNS = 12  # with a sample on the page; a card of a melody has some 60 kB

log = logging.getLogger(__name__)


class RunSample(NamedTuple):
    """The first sample of a run after training; ``run`` names it by the settings that differ."""

    run: str
    loss: float
    card: Card


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
        _Picture(heading, words, [base64.b64encode(svg(figure)).decode() for figure in figures if figure])
        for heading, words, figures in found
    )
    return [picture for picture in pictures if picture.images]


def parallel_coordinates(rows: Sequence[SweepRow], trained: Sequence[SweepRow]) -> dict[str, Any] | None:
    """Return ``axes`` (name, label → height) and ``lines``, the best last, for the runs of ``trained``.

    A line has the place of its run in ``rows``, its heights from 0 to 1, and its rank from 0 (worst) to 1.
    None if the runs have equal settings.
    """
    keys = axes(trained)
    if not keys or len(trained) < 2:
        return None
    columns = [[row.settings.get(key) for row in trained] for key in keys]
    scales, losses = [scale(column) for column in columns], scale([row.loss for row in trained])
    fans = [0 if are_many(column) else FAN for column in columns]
    places = {id(row): place for place, row in enumerate(rows)}
    order = sorted(range(len(trained)), key=lambda index: -(trained[index].loss or 0))
    lines = []
    for position, index in enumerate(order):
        rank = position / (len(order) - 1)
        heights = [each.heights[index] + fan * (0.5 - rank) for each, fan in zip(scales, fans, strict=True)]
        heights.append(losses.heights[index])
        lines.append(
            {
                "run": places[id(trained[index])],
                "heights": [round(y, 4) for y in heights],
                "rank": round(rank, 4),
            }
        )
    named = [
        {"name": key, "ticks": each.ticks} for key, each in zip([*keys, LOSS], [*scales, losses], strict=True)
    ]
    return {"axes": named, "lines": lines}


def sweep_samples(rows: Sequence[SweepRow]) -> list[RunSample]:
    """Return the first sample of each run, the best runs first; runs without samples are left out."""
    ran = sorted(trainings(rows), key=lambda row: row.loss or 0)[:MOST_RUNS]
    keys = axes(ran)
    found, room = [], Room()
    for place, row in enumerate(ran):
        card = _first(Path(row.folder) / "samples" / "after", f"run-{place}", room)
        if card is not None and row.loss is not None:
            found.append(RunSample(row.label(keys) or Path(row.folder).name, row.loss, card))
    return found


def _first(folder: Path, key: str, room: Room) -> Card | None:
    try:
        found = sample_set(folder, key, room, most=1)
    except Exception:  # a damaged file costs the run its card, not the sweep its page
        log.debug("no sample of %s", folder, exc_info=True)
        return None
    return found.cards[0] if found and found.cards else None
