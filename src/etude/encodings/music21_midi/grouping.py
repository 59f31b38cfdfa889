"""Chords and quantised times of a MIDI track, as music21 makes them.

``converter.parse`` followed by ``instrument.partitionByInstrument`` turns a performance into a score: it
groups notes, quantises, adds bar lines, splits bars into voices, ties notes, and merges the parts. A list of
notes and chords keeps only the order of all that, and one more element wherever a bar line splits a note. The
rules here are those of music21 10.5.1 (midi/translate.py; stream/base.py: quantize, makeVoices;
stream/makeNotation.py: makeMeasures, makeTies, makeRests; instrument.py), oddities included.

Times are ticks up to ``quantised``, and from there on units, ``UNITS`` to the quarter note.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

UNITS = 768  # divisible by 3 and by 4, the grids, and by 64: a bar of n/256 is a whole number of units
GRIDS = (4, 3)  # steps to the quarter note that onsets and durations are quantised to

Pitches = tuple[int, ...]


class NotCoveredError(Exception):
    """Music that the rules do not cover, so that music21 itself must read it; the message is the reason."""


class MidiNote(NamedTuple):
    """A note of the file, in ticks; ``off`` equals ``on`` for a note of no length."""

    on: int
    off: int
    pitch: int


@dataclass(slots=True)
class Element:
    """A note or a chord; a grace note has duration 0."""

    onset: int
    duration: int
    pitches: Pitches

    @property
    def end(self) -> int:
        """Time of its end."""
        return self.onset + self.duration


def in_order(elements: Iterable[Element]) -> list[Element]:
    """Sort by onset, grace notes first; equal elements keep their order."""
    return sorted(elements, key=lambda element: (element.onset, element.duration > 0))


def grouped(notes: Sequence[MidiNote], division: int) -> tuple[list[Element], bool]:
    """Join the notes of a track, in file order, into chords; times stay in ticks.

    A note opens a group. A later note joins it if it starts less than a step of the finer grid after it and
    ends within a step of it. The group lasts as long as the note that joined last. Also returns whether a
    note did not join because of its end: then music21 looks for voices in every bar.
    """
    elements: list[Element] = []
    voices_required = False
    taken = bytearray(len(notes))
    finer = max(GRIDS)
    for index, (on, off, pitch) in enumerate(notes):
        if taken[index]:
            continue
        pitches, length = [pitch], off - on
        for later in range(index + 1, len(notes)):
            later_on, later_off, later_pitch = notes[later]
            if (later_on - on) * finer >= division:
                break
            if abs(later_off - off) * finer > division:
                voices_required = True
                continue
            # A note of an earlier group may join this one too.
            pitches.append(later_pitch)
            length = later_off - later_on
            taken[later] = True
        elements.append(Element(on, length, tuple(pitches)))
    return in_order(elements), voices_required


@lru_cache(maxsize=64)
def _quantised_ticks(division: int) -> tuple[int, ...]:
    """Return the quantised time in units of each tick of a quarter note: the nearer grid, or the finer."""
    places = []
    for tick in range(division):
        found = []
        for grid in GRIDS:
            nearest = -((division - 2 * grid * tick) // (2 * division))  # halfway goes down
            place = nearest * UNITS // grid
            found.append((abs(tick * UNITS - place * division), -grid, place))
        places.append(min(found)[2])
    return tuple(places)


def quantised_onset(tick: int, division: int) -> int:
    """Return an onset in units, quantised."""
    quarter, rest = divmod(tick, division)
    return quarter * UNITS + _quantised_ticks(division)[rest]


@lru_cache(maxsize=2**17)
def quantised_duration(ticks: int, division: int, gap: int) -> int:
    """Return a duration in units, given the gap in units to the next onset in its track (0: none follows).

    The grid is the one that leaves the smallest rest, then the nearer, then the finer. Computed in binary
    floating point, as in music21, where 1.0 is no multiple of 1/3: a gap of a quarter note that thirds could
    fill is filled by fourths.
    """
    length, gap_quarters = ticks / division, gap / UNITS
    found = []
    for grid in GRIDS:
        step = 1 / grid
        below, above = (step * (math.floor(length / step) + extra) for extra in (0, 1))
        match = below if below <= length <= below + step / 2 else above
        if not match and ticks:
            match = step
        error = abs(round(length - match, 7))
        rest = 0.0 if gap_quarters % step == 0 else max(gap_quarters - match, 0.0)
        found.append((rest, error, step, match))
    return round(min(found)[3] * UNITS)


def quantised(elements: list[Element], marks: Iterable[int], division: int) -> list[Element]:
    """Quantise elements (in ticks); ``marks`` are the ticks of the other events in their track."""
    onsets = [quantised_onset(element.onset, division) for element in elements]
    landmarks = sorted({*onsets, *(quantised_onset(tick, division) for tick in marks)})
    following = dict(zip(landmarks, [*landmarks[1:], None], strict=True))
    moved = []
    for element, onset in zip(elements, onsets, strict=True):
        after = following[onset]
        gap = after - onset if after is not None else 0
        duration = quantised_duration(element.duration, division, gap)
        moved.append(Element(onset, duration, element.pitches))
    return in_order(moved)
