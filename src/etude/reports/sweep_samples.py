"""Samples of the runs of a sweep, side by side."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from etude.reports.cells import short
from etude.reports.sample_cards import Card, Room, sample_set
from etude.reports.sweep_rows import SweepRow, axes, trainings

MOST_RUNS = 12  # with a sample on the page; a card of a melody has some 60 kB

log = logging.getLogger(__name__)


class RunSample(NamedTuple):
    """The first sample of a run after training; ``run`` names it by the settings that differ."""

    run: str
    loss: float
    card: Card


def sweep_samples(rows: Sequence[SweepRow]) -> list[RunSample]:
    """Return the first sample of each run, the best runs first; runs without samples are left out."""
    ran = sorted(trainings(rows), key=lambda row: row.loss or 0)[:MOST_RUNS]
    keys = axes(ran)
    found, room = [], Room()
    for place, row in enumerate(ran):
        name = " ".join(f"{key.rpartition('.')[2]}={short(row.settings.get(key))}" for key in keys)
        card = _first(Path(row.folder) / "samples" / "after", f"run-{place}", room)
        if card is not None and row.loss is not None:
            found.append(RunSample(name or Path(row.folder).name, row.loss, card))
    return found


def _first(folder: Path, key: str, room: Room) -> Card | None:
    try:
        found = sample_set(folder, key, room, most=1)
    except Exception:  # a damaged file costs the run its card, not the sweep its page
        log.debug("no sample of %s", folder, exc_info=True)
        return None
    return found.cards[0] if found and found.cards else None
