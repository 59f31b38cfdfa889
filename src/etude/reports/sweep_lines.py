"""Parallel coordinates: a line for each run across its settings to its loss, which the page draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude.reports.scales import are_many, scale
from etude.reports.sweep_rows import SweepRow, axes

LOSS = "validation nats"
FAN = 0.07  # of an axis: distance of the outer lines through one value, to keep them apart


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
