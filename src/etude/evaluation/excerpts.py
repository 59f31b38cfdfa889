"""Excerpts: some notes of a piece as plain values, with bar lines, metre and key for the page."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from etude.music import Key, Metre, Piece
from etude.notation.bars import bars_of

LONGEST = 64  # notes of an excerpt; a longer run is cut
FINEST = 960  # parts of a quarter note


def excerpt(piece: Piece, first: int, count: int) -> dict[str, Any]:
    """Return ``count`` notes from note ``first`` on, of notes in the order of onsets, then of pitches.

    ``notes`` has onset and length in quarter notes, and pitch. Onsets count from the bar line before the
    first note.
    """
    order = np.lexsort((piece.pitch, piece.onset))[first : first + min(count, LONGEST)]
    onsets = [Fraction(int(tick), piece.division) for tick in piece.onset[order]]
    lengths = [Fraction(int(ticks), piece.division) for ticks in piece.duration[order]]
    bar = next(each for each in reversed(bars_of(piece)) if each.start <= onsets[0])
    times = [
        (float(onset - bar.start + bar.lead), float(length))
        for onset, length in zip(onsets, lengths, strict=True)
    ]
    return {
        "metre": str(bar.metre),
        "key": None if piece.key is None else str(piece.key),
        "notes": [[*time, int(pitch)] for time, pitch in zip(times, piece.pitch[order], strict=True)],
    }


def excerpt_piece(stored: Mapping[str, Any]) -> Piece:
    """Return an excerpt as a piece that begins with a whole bar."""
    notes = [(_exact(onset), _exact(length), int(pitch)) for onset, length, pitch in stored["notes"]]
    beats, _, unit = stored["metre"].partition("/")
    key = Key(*stored["key"].split()) if stored["key"] else None
    return Piece.from_notes(notes, metres=[(0, Metre(int(beats), int(unit)))], key=key)


def _exact(quarters: float) -> Fraction:
    return Fraction(quarters).limit_denominator(FINEST)
