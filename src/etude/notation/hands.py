"""Hands: which notes of keyboard music the right hand plays, and which the left."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from etude.music.piece import Note

Costs = npt.NDArray[np.float64]

SPLITS = np.arange(40, 85)  # where the hands may meet: pitches from there up are the right hand's
MIDDLE = 60  # where they meet if nothing else speaks: middle C
REACH = 12  # semitones that a hand spans at ease

# What a division costs, summed over the moments at which notes begin.
STRETCH = 0.3  # for each semitone of a hand's span beyond REACH
IDLE = 0.2  # for each semitone of what one hand plays alone beyond a fifth
CLOSE = 0.05  # for each semitone by which the hands are nearer than a fourth
FAR = 0.005  # for each semitone from MIDDLE
MOVE = 0.2  # for each semitone that the meeting point moves from one moment to the next
FIFTH, FOURTH = 7, 5


def hands_of(notes: Sequence[Note]) -> tuple[list[Note], list[Note]]:
    """Return the notes of the right hand and of the left, each in the order they came.

    The hands meet at a pitch that moves with the music: of all its courses the cheapest, by the costs above
    (a hand stretched beyond an octave, one hand at rest while the other spans much, hands that meddle), where
    each semitone that the meeting point moves costs too, so that it stays while it can.
    """
    if not notes:
        return [], []
    moments = sorted({note.onset for note in notes})
    splits = dict(zip(moments, _cheapest_course(_costs(notes, moments)).tolist(), strict=True))
    right = [note for note in notes if note.pitch >= splits[note.onset]]
    left = [note for note in notes if note.pitch < splits[note.onset]]
    return right, left


def _costs(notes: Sequence[Note], moments: Sequence[Fraction]) -> Costs:
    """Return what each of SPLITS costs at each moment, by what sounds then: shape (moments, splits)."""
    costs = np.empty((len(moments), len(SPLITS)))
    waiting = sorted(notes, key=lambda note: note.onset, reverse=True)
    sounding: list[tuple[Fraction, int]] = []  # (end, pitch)
    for row, moment in enumerate(moments):
        sounding = [one for one in sounding if one[0] > moment]
        while waiting and waiting[-1].onset == moment:
            note = waiting.pop()
            sounding.append((note.onset + note.duration, note.pitch))
        costs[row] = _cost_of(sorted(pitch for _, pitch in sounding))
    return costs


def _cost_of(pitches: Sequence[int]) -> Costs:
    """Return what each of SPLITS costs while these pitches sound, lowest first: shape (splits,)."""
    sounding = np.asarray(pitches)
    lowest, highest = sounding[0], sounding[-1]
    in_left = np.searchsorted(sounding, SPLITS)  # how many lie below
    both = (in_left > 0) & (in_left < len(sounding))
    top_of_left = sounding[np.maximum(in_left - 1, 0)]
    bottom_of_right = sounding[np.minimum(in_left, len(sounding) - 1)]
    left_span = np.where(in_left > 0, top_of_left - lowest, 0)
    right_span = np.where(in_left < len(sounding), highest - bottom_of_right, 0)
    cost = FAR * np.abs(SPLITS - MIDDLE)
    cost += STRETCH * (np.maximum(left_span - REACH, 0) + np.maximum(right_span - REACH, 0))
    cost += np.where(
        both,
        CLOSE * np.maximum(FOURTH - (bottom_of_right - top_of_left), 0),
        IDLE * max(highest - lowest - FIFTH, 0),
    )
    return cost


def _cheapest_course(costs: Costs) -> npt.NDArray[np.int64]:
    """Return the split of each moment on the course of least cost, moves included (Viterbi's algorithm)."""
    moves = MOVE * np.abs(SPLITS[:, None] - SPLITS[None, :])  # (from, to)
    reached = costs[0]
    origins: list[npt.NDArray[np.int64]] = []
    for cost in costs[1:]:
        ways = reached[:, None] + moves
        origins.append(ways.argmin(axis=0))
        reached = ways.min(axis=0) + cost
    place = int(reached.argmin())
    course = [place]
    for origin in reversed(origins):
        place = int(origin[place])
        course.append(place)
    return SPLITS[course[::-1]]
