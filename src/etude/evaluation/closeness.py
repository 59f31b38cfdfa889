"""Closeness: which of several runs has samples nearer to the held-out pieces, feature by feature."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from etude.evaluation.features import FEATURES

ENDINGS_AND_FORM = ("ends on the tonic", "whole phrases", "repeated bars", "repeated motifs")
DIGITS = 3  # of an overlap; runs whose overlaps are the same to so many are alike


class FeatureCloseness(NamedTuple):
    """Means of a feature, and for each run the overlap of its samples with the held-out pieces."""

    name: str
    held_out: float
    means: list[float]
    overlaps: list[float]

    @property
    def closest(self) -> list[int]:
        """Indices of the runs with the largest overlap; empty if all are alike."""
        best = max(self.overlaps)
        found = [place for place, overlap in enumerate(self.overlaps) if overlap == best]
        return found if len(found) < len(self.overlaps) else []


def closeness(sections: Sequence[Mapping[str, Any]]) -> list[FeatureCloseness]:
    """Return the features that all sections ``music`` of evaluation.json have, endings and form last.

    A feature that has one value alone says nothing, such as the polyphony of melodies, and is left out.
    """
    named = [{row["name"]: row for row in section["features"] if _varies(row)} for section in sections]
    names = [feature.name for feature in FEATURES if all(feature.name in rows for rows in named)]
    names = [name for name in names if name not in ENDINGS_AND_FORM] + [
        name for name in ENDINGS_AND_FORM if name in names
    ]
    return [_closeness(name, [rows[name] for rows in named]) for name in names]


def _closeness(name: str, rows: Sequence[Mapping[str, Any]]) -> FeatureCloseness:
    overlaps = [round(row["overlap"]["value"], DIGITS) for row in rows]
    means = [row["samples"]["value"] for row in rows]
    return FeatureCloseness(name, rows[0]["held_out"]["value"], means, overlaps)


def _varies(row: Mapping[str, Any]) -> bool:
    """Return whether a feature is known and has more than one value."""
    known = all(known_value(row[key]) is not None for key in ("samples", "held_out", "overlap"))
    counts = row["histogram"]
    return known and sum(map(any, zip(counts["samples"], counts["held_out"], strict=False))) > 1


def known_value(found: Mapping[str, float | None] | None) -> float | None:
    """Return the value of an interval, None if there is none."""
    value = found["value"] if found else None
    return None if value is None or math.isnan(value) else value


def closer(rows: Sequence[FeatureCloseness], first: int, second: int) -> tuple[int, int]:
    """Return in how many features run ``first`` is closer than run ``second``, and in how many alike."""
    pairs = [(row.overlaps[first], row.overlaps[second]) for row in rows]
    return sum(one > other for one, other in pairs), sum(one == other for one, other in pairs)


def other_held_out(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """Return how the held-out pieces of two contents of evaluation.json differ, "" if they are the same."""
    for key, what in (("name", "corpus"), ("set", "set"), ("split", "split")):
        ours, theirs = (content["corpus"][key] for content in (first, second))
        if ours != theirs:
            return f"{what} {ours[:40]} and {theirs[:40]}"
    ours, theirs = first["music"]["held_out"], second["music"]["held_out"]
    if ours != theirs:
        return f"{ours} and {theirs} pieces"
    means = {row["name"]: known_value(row["held_out"]) for row in second["music"]["features"]}
    for row in first["music"]["features"]:
        mine, other = known_value(row["held_out"]), means.get(row["name"])
        if mine is None or other is None:
            continue
        if not math.isclose(mine, other, rel_tol=1e-6, abs_tol=1e-9):
            return f"{row['name'][:40]} {mine:.4g} and {other:.4g} on average"
    return ""
