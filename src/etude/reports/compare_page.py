"""Self-contained HTML page that shows samples of runs beside each other and beside held-out music."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from etude.evaluation.statistics import sample_statistics
from etude.music import Piece
from etude.reports.cells import faults, page_tables
from etude.reports.compare_tables import Comparison, copies_table, likelihood_table, mean, overlap
from etude.reports.pages import render
from etude.reports.sample_cards import Card, Room, read_card
from etude.sampling.samples import Sample


class ShownRun(NamedTuple):
    """Samples of a run for the page; ``changes``: temperature, and what differs from conf/sampling."""

    samples: Sequence[Sample]
    changes: Mapping[str, Any]

    @property
    def words(self) -> str:
        """The settings."""
        return ", ".join(f"{key}={value}" for key, value in self.changes.items())


def compare_page(found: Comparison, shown: Sequence[ShownRun], pieces: Sequence[Piece]) -> str:
    """Return the page. ``shown``: samples of each run; ``pieces``: held-out ones, if they are at hand."""
    names = [run.name for run in found.runs]
    room = Room()
    columns = [_human_cards(pieces, room)] if pieces else []
    columns += [
        _cards(run.samples, name, place, room)
        for place, (name, run) in enumerate(zip(names, shown, strict=True))
    ]
    return render(
        "compare.html",
        title=f"{' and '.join([', '.join(names[:-1]), names[-1]])} beside {found.held_out}",
        found=found,
        shown=shown,
        likelihood=page_tables([likelihood_table(found)]),
        copies=page_tables([copies_table(found)]),
        rows=[[card for card in row if card is not None] for row in zip_longest(*columns)],
        has_pieces=bool(pieces),
        corpus=found.runs[0].content["corpus"],
        mean=mean,
        overlap=overlap,
    )


def _human_cards(pieces: Sequence[Piece], room: Room) -> list[Card]:
    return [
        read_card(
            piece, f"held-out-{number}", f"Held out {number}: {piece.title or piece.name}".rstrip(": "), room
        )
        for number, piece in enumerate(pieces, start=1)
    ]


def _cards(samples: Sequence[Sample], name: str, place: int, room: Room) -> list[Card]:
    cards = []
    for one in samples:
        row = sample_statistics(one)
        heading, wrong = f"{name}, sample {one.number}", faults(row.valid, row.degenerate_from)
        cards.append(
            read_card(one.piece, f"run-{place}-{one.number}", heading, room, nats=row.nats, faults=wrong)
        )
    return cards
