"""Hands: division of keyboard music between the right hand and the left."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from etude.music.piece import Note

Costs = npt.NDArray[np.float64]

SPLITS = np.arange(40, 85)  # candidates for the split; the right hand plays this pitch and higher
MIDDLE = 60  # the split by default: middle C
REACH = 12  # semitones that a hand spans comfortably

# Costs of a division, summed over the onsets.
STRETCH = 0.3  # for each semitone of a hand's span beyond REACH
IDLE = 0.2  # for each semitone beyond a fifth that one hand plays while the other rests
CLOSE = 0.05  # for each semitone that the hands are nearer than a fourth
FAR = 0.005  # for each semitone from MIDDLE
MOVE = 0.2  # for each semitone that the split moves from one onset to the next
FIFTH, FOURTH = 7, 5


def hands_of(notes: Sequence[Note]) -> tuple[list[Note], list[Note]]:
    """Return the notes of the right hand and of the left, each in the order of ``notes``.

    The hands are split at a pitch that moves with the music. Of all its paths the cheapest is taken, by the
    costs above: a hand stretched beyond an octave, one hand at rest while the other spans much, hands too
    near each other, and each semitone that the split moves.
    """
    if not notes:
        return [], []
    moments = sorted({note.onset for note in notes})
    splits = dict(zip(moments, _cheapest_path(_costs(notes, moments)).tolist(), strict=True))
    right = [note for note in notes if note.pitch >= splits[note.onset]]
    left = [note for note in notes if note.pitch < splits[note.onset]]
    return right, left


def _costs(notes: Sequence[Note], moments: Sequence[Fraction]) -> Costs:
    """Return the cost of each of SPLITS at each moment: shape (moments, splits)."""
    costs = np.empty((len(moments), len(SPLITS)))
    waiting = sorted(notes, key=lambda note: note.onset, reverse=True)
    sounding: list[tuple[Fraction, int]] = []  # (end, pitch)
    for row, moment in enumerate(moments):
        sounding = [(end, pitch) for end, pitch in sounding if end > moment]
        while waiting and waiting[-1].onset == moment:
            note = waiting.pop()
            sounding.append((note.onset + note.duration, note.pitch))
        costs[row] = _cost_of(sorted(pitch for _, pitch in sounding))
    return costs


def _cost_of(pitches: Sequence[int]) -> Costs:
    """Return the cost of each of SPLITS while these pitches, lowest first, sound: shape (splits,)."""
    sounding = np.asarray(pitches)
    lowest, highest = sounding[0], sounding[-1]
    in_left = np.searchsorted(sounding, SPLITS)  # number of pitches below
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


def _cheapest_path(costs: Costs) -> npt.NDArray[np.int64]:
    """Return the split of each moment on the cheapest path, moves included (Viterbi's algorithm)."""
    moves = MOVE * np.abs(SPLITS[:, None] - SPLITS[None, :])  # (from, to)
    reached = costs[0]
    origins: list[npt.NDArray[np.int64]] = []
    for cost in costs[1:]:
        ways = reached[:, None] + moves
        origins.append(ways.argmin(axis=0))
        reached = ways.min(axis=0) + cost
    place = int(reached.argmin())
    path = [place]
    for origin in reversed(origins):
        place = int(origin[place])
        path.append(place)
    return SPLITS[path[::-1]]
