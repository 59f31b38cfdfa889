"""Readable note lengths: the notes that one hand performed, simplified to at most two voices."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

from etude.music.piece import Note

SIXTEENTH = Fraction(1, 4)  # in quarter notes
LONGEST_GAP = Fraction(1, 2)  # quarter notes of silence that are articulation, not a rest
LONGEST_OVERLAP = Fraction(1, 2)  # quarter notes that a note may overlap the next without being held


def readable(notes: Iterable[Note]) -> list[Note]:
    """Return the quantised notes of one hand with note lengths as a page would have them.

    Each note keeps its onset. Notes that begin together end together, with the longest. A gap before the next
    note or beat is closed if it is no longer than the note and LONGEST_GAP. A note that overlaps the next one
    is cut there, unless the overlap is longer than LONGEST_OVERLAP and a third of the note: then it is held,
    as a second voice. One chord is held at a time, until the next held chord begins.
    """
    by_onset: dict[Fraction, list[Note]] = defaultdict(list)
    for note in notes:
        by_onset[note.onset].append(note)
    onsets = sorted(by_onset)
    usual = [time for time in onsets if time % SIXTEENTH == 0]
    written: list[Note] = []
    held: list[Note] = []
    for onset, following in pairwise([*onsets, None]):
        assert onset is not None
        here = by_onset[onset]
        holding = [note for note in here if following is not None and _is_held(note, following)]
        if holding:
            written += [_ending(note, min(note.onset + note.duration, onset)) for note in held]
            end = _snapped(onset, _latest_end(holding), usual)
            held = [_ending(note, end) for note in holding]
        moving = [note for note in here if note not in holding]
        if moving:
            end = _closed(onset, _latest_end(moving), following)
            written += [_ending(note, end) for note in moving]
    return written + held


def _is_held(note: Note, following: Fraction) -> bool:
    overlap = note.onset + note.duration - following
    return overlap > LONGEST_OVERLAP and overlap * 3 > note.duration


def _latest_end(notes: Sequence[Note]) -> Fraction:
    return max(note.onset + note.duration for note in notes)


def _closed(onset: Fraction, end: Fraction, following: Fraction | None) -> Fraction:
    """Return the written end of a note: the next onset or beat, if the note nearly reaches it."""
    target = Fraction(math.ceil(end)) if following is None else min(following, Fraction(math.ceil(end)))
    if end >= target or target - end <= min(end - onset, LONGEST_GAP):
        return target
    return _snapped(onset, end)


def _snapped(onset: Fraction, end: Fraction, usual: Sequence[Fraction] = ()) -> Fraction:
    """Return the nearest usual time for a note to end: a half beat, or one of ``usual``.

    A note that begins off the sixteenths ends on a beat. A note that would become shorter than an eighth
    keeps its end.
    """
    step = Fraction(1, 2) if onset % SIXTEENTH == 0 else Fraction(1)
    place = bisect_left(usual, end)
    near = [time for time in usual[max(place - 1, 0) : place + 1] if time > onset]
    time = min([round(end / step) * step, *near], key=lambda time: abs(time - end))
    return time if time - onset >= LONGEST_GAP else end


def _ending(note: Note, end: Fraction) -> Note:
    return note._replace(duration=end - note.onset)
