"""Axes for the values of a setting: few values evenly spaced, many numbers to scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.colors import LogNorm, Normalize
from matplotlib.ticker import LogLocator, MaxNLocator

from etude.reports.cells import short

MOST_STEPS = 8  # most different numbers that are evenly spaced
MOST_RARE = 4  # likewise if few occur twice, as in a search
LOG_FROM = 20.0  # ratio of largest to smallest from which a scale is logarithmic
CLOSEST = 0.07  # of an axis, between two labels


class Scale(NamedTuple):
    """Place of each value on an axis from 0 to 1, and the labels with their places."""

    heights: list[float]
    ticks: dict[str, float]


def ordered(values: Sequence[Any]) -> list[str]:
    """Return the different values as text, numbers by size before words by alphabet."""

    def key(text: str) -> tuple[bool, float, str]:
        number = _number(text)
        return number is None, number or 0.0, text

    return sorted({str(value) for value in values}, key=key)


def are_many(values: Sequence[Any]) -> bool:
    """Return whether these are too many different numbers to space evenly."""
    names = ordered(values)
    most = MOST_RARE if 2 * len(names) > len(values) else MOST_STEPS
    return len(names) > most and all(_number(name) is not None for name in names)


def is_logarithmic(values: Sequence[Any]) -> bool:
    """Return whether numbers are all above 0 and far enough apart for a logarithmic scale."""
    numbers = [float(value) for value in values]
    return min(numbers) > 0 and max(numbers) >= LOG_FROM * min(numbers)


def scale(values: Sequence[Any]) -> Scale:
    """Return the scale for the values of a setting."""
    if not are_many(values):
        names = ordered(values)
        places = {name: place / max(len(names) - 1, 1) for place, name in enumerate(names)}
        return Scale(
            [places[str(value)] for value in values],
            _thinned({short(name): height for name, height in places.items()}),
        )
    numbers = [float(value) for value in values]
    low, high = min(numbers), max(numbers)
    log = is_logarithmic(values)
    found = (LogLocator(numticks=8) if log else MaxNLocator(6)).tick_values(low, high)

    norm = LogNorm(low, high) if log else Normalize(low, high)

    def height(number: float) -> float:
        return float(norm(number))

    inside = [low, high, *(float(tick) for tick in found if low < tick < high)]
    return Scale(
        [height(number) for number in numbers], _thinned({f"{tick:.3g}": height(tick) for tick in inside})
    )


def _thinned(ticks: dict[str, float]) -> dict[str, float]:
    """Drop labels that would touch an earlier one."""
    kept: dict[str, float] = {}
    for label, height in ticks.items():
        if all(abs(height - other) >= CLOSEST for other in kept.values()):
            kept[label] = height
    return kept


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
