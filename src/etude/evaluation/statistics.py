"""Musical statistics of a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from etude.music.timing import seconds_at
from etude.sampling.samples import Sample


@dataclass(frozen=True)
class SampleStatistics:
    """Plain numbers about one sample.

    ``lowest`` and ``highest`` are MIDI pitches. ``repeats`` is the share of notes with the pitch of the note
    before. ``nats`` is the mean per generated token, None if there is none. ``degenerate_from`` is as in
    :class:`~etude.sampling.samples.Sample`.
    """

    number: int
    tokens: int
    notes: int
    lowest: int | None
    highest: int | None
    repeats: float
    seconds: float
    nats: float | None
    valid: bool
    degenerate_from: int | None


def sample_statistics(one: Sample) -> SampleStatistics:
    """Return the statistics of a sample."""
    pitches = one.piece.pitch.tolist()
    repeats = sum(first == second for first, second in pairwise(pitches))
    return SampleStatistics(
        number=one.number,
        tokens=len(one.tokens),
        notes=len(one.piece),
        lowest=min(pitches, default=None),
        highest=max(pitches, default=None),
        repeats=repeats / (len(pitches) - 1) if len(pitches) > 1 else 0.0,
        seconds=float(seconds_at(one.piece, one.piece.length)),
        nats=None if math.isnan(one.nats) else one.nats,
        valid=one.is_valid,
        degenerate_from=one.degenerate_from,
    )


def well_formed_line(valid: int, generated: int) -> str:
    """Say how many of the generated pieces are well formed: have notes and need no repair."""
    if valid == generated > 0:
        return f"All {generated} pieces are well formed." if generated > 1 else "The piece is well formed."
    return f"{valid} of {generated} generated pieces are well formed ({valid / max(generated, 1):.0%})."
