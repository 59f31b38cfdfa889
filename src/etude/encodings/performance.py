"""Performance events: note on, note off, time shift and velocity, in seconds instead of bars.

Sources: Oore, Simon, Dieleman, Eck and Simonyan, "This Time with Feeling" (2018): 413 events; Magenta's
``performance_lib``: 388; Huang et al., "Music Transformer" (2018): 308.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from etude.encodings.base import Decoded, WordEncoding
from etude.errors import EncodeError
from etude.music import Piece
from etude.music.piece import DEFAULT_VELOCITY
from etude.music.timing import seconds_at

ON, OFF, SHIFT, VELOCITY = "NOTE_ON", "NOTE_OFF", "TIME_SHIFT", "VELOCITY"
LONGEST_OPEN = 5  # seconds that a note without a NOTE_OFF may last
DECODED_TEMPO = 120.0  # quarter notes a minute: half a second each
TICKS_PER_STEP = 2  # so that a division of steps_per_second is exact at DECODED_TEMPO


@dataclass(frozen=True)
class PerformanceEncoding(WordEncoding):
    """Notes of all parts as events: ``NOTE_ON_60``, ``NOTE_OFF_60``, ``TIME_SHIFT_1``, ``VELOCITY_32``.

    Time is rounded to steps, half up, and a note lasts at least one step. Notes are numbered by onset and
    pitch; events are in order of step, note, and on before off. A gap is as many of the longest shifts as
    fit, and one shift for the remainder. A velocity event precedes a note whose bin differs from the last.
    Silence at the end is kept. A piece comes back if it has one part at 120 quarter notes a minute, times on
    the steps, the velocities that decoding gives, and no overlap on one pitch. Encoding and decoding once
    makes any piece such a piece.
    """

    steps_per_second: int = 100
    longest_shift: int = 100  # steps
    velocity_bins: int = 32
    lowest: int = 0  # MIDI pitches
    highest: int = 127

    name: ClassVar[str] = "performance"
    version: ClassVar[int] = 1

    def config(self) -> dict[str, str | int | bool]:
        """Return the settings as plain values."""
        return asdict(self)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All tokens, in the order of the published vocabularies."""
        return tuple(self._events)

    def is_onset(self, token: str) -> bool:
        """Return whether a note starts at this token."""
        return token.startswith(ON)

    def quarters(self, token: str) -> Fraction:
        """Return the length of a time shift in quarter notes at DECODED_TEMPO, 0 for any other token."""
        kind, value = self._events.get(token, ("", 0))
        return Fraction(2 * value, self.steps_per_second) if kind == SHIFT else Fraction(0)

    def note_change(self, token: str) -> tuple[int, int]:
        """Return the pitch of a note event, and 1 if it starts the note, −1 if it ends it; else (0, 0)."""
        kind, value = self._events.get(token, ("", 0))
        return {ON: (value, 1), OFF: (value, -1)}.get(kind, (0, 0))

    def transposed(self, token: str, semitones: int) -> str:
        """Return the event with its pitch moved; it may be outside the vocabulary."""
        kind, value = self._events[token]
        return f"{kind}_{value + semitones}" if kind in (ON, OFF) else token

    def stretched(self, token: str, factor: float) -> str:
        """Return the event with its time shift, from one step to the longest, times ``factor``."""
        kind, value = self._events[token]
        steps = min(max(round(value * factor), 1), self.longest_shift)
        return f"{SHIFT}_{steps}" if kind == SHIFT else token

    @cached_property
    def _events(self) -> dict[str, tuple[str, int]]:
        pitches = range(self.lowest, self.highest + 1)
        ranges = {
            ON: pitches,
            OFF: pitches,
            SHIFT: range(1, self.longest_shift + 1),
            VELOCITY: range(1, self.velocity_bins + 1),
        }
        return {f"{kind}_{value}": (kind, value) for kind, values in ranges.items() for value in values}

    @property
    def _bin_width(self) -> int:
        return math.ceil(127 / self.velocity_bins)

    def _bin(self, velocity: int) -> int:
        return (velocity - 1) // self._bin_width + 1

    def _loudness(self, bin_: int) -> int:
        return 1 + (bin_ - 1) * self._bin_width

    def encode(self, piece: Piece) -> list[str]:
        """Return the events; EncodeError for a piece without notes, or a pitch or velocity without event."""
        if not len(piece):
            raise EncodeError("no notes")
        low, high = int(piece.pitch.min()), int(piece.pitch.max())
        if low < self.lowest or high > self.highest:
            raise EncodeError(f"pitches outside {self.lowest}..{self.highest}")
        if piece.velocity.min() < 1 or piece.velocity.max() > 127:
            raise EncodeError("velocities outside 1..127")
        by_onset = np.lexsort((piece.pitch, piece.onset))
        starts = self._steps(piece, piece.onset[by_onset])
        ends = np.maximum(self._steps(piece, (piece.onset + piece.duration)[by_onset]), starts + 1)
        pitches = piece.pitch[by_onset].tolist()
        bins = [self._bin(velocity) for velocity in piece.velocity[by_onset].tolist()]
        events = [(step, note, False) for note, step in enumerate(starts.tolist())]
        events += [(step, note, True) for note, step in enumerate(ends.tolist())]
        tokens: list[str] = []
        now = loudness = 0
        for step, note, is_off in sorted(events):
            tokens += self._shifts(step - now)
            now = step
            if not is_off and bins[note] != loudness:
                loudness = bins[note]
                tokens.append(f"{VELOCITY}_{loudness}")
            tokens.append(f"{OFF if is_off else ON}_{pitches[note]}")
        end = int(self._steps(piece, np.array([piece.length]))[0])
        return tokens + self._shifts(max(end - now, 0))  # the last note may have been lengthened to a step

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the piece at 120 quarter notes a minute, two ticks to the step; ValueError for other tokens.

        A NOTE_OFF ends the oldest open note of its pitch. Repairs: a NOTE_OFF without a note is ignored; a
        note of no length is left out; a note before any velocity gets the default; an open note ends with the
        piece, after at most five seconds.
        """
        repairs: Counter[str] = Counter()
        sounding: dict[int, deque[tuple[int, int]]] = defaultdict(deque)  # pitch -> (step, velocity)
        rows: list[tuple[int, int, int, int]] = []  # start, end, pitch, velocity
        now = velocity = 0
        for token in tokens:
            if token not in self._events:
                raise ValueError(f"{token!r} is not one of the {len(self._events)} events of {self!r}")
            kind, value = self._events[token]
            if kind == SHIFT:
                now += value
            elif kind == VELOCITY:
                velocity = self._loudness(value)
            elif kind == ON:
                repairs["note before any velocity"] += not velocity
                sounding[value].append((now, velocity or self._loudness(self._bin(DEFAULT_VELOCITY))))
            elif not sounding[value]:
                repairs["note-off without a note"] += 1
            else:
                start, loudness = sounding[value].popleft()
                rows.append((start, now, value, loudness))
        for pitch, queue in sounding.items():
            for start, loudness in queue:
                repairs["note left open"] += 1
                rows.append((start, min(now, start + LONGEST_OPEN * self.steps_per_second), pitch, loudness))
        notes = [row for row in rows if row[1] > row[0]]
        repairs["note of no length"] += len(rows) - len(notes)
        return Decoded(self._piece(notes, now), +repairs)

    def _piece(self, rows: list[tuple[int, int, int, int]], steps: int) -> Piece:
        start, end, pitch, velocity = np.array(rows, dtype=np.int64).reshape(-1, 4).T
        return Piece(
            onset=start * TICKS_PER_STEP,
            duration=(end - start) * TICKS_PER_STEP,
            pitch=pitch,
            velocity=velocity,
            part=np.zeros_like(pitch),
            division=self.steps_per_second,
            length=steps * TICKS_PER_STEP,
            tempos=((0, DECODED_TEMPO),),
        )

    def _shifts(self, steps: int) -> list[str]:
        longest, rest = divmod(steps, self.longest_shift)
        return [f"{SHIFT}_{self.longest_shift}"] * longest + ([f"{SHIFT}_{rest}"] if rest else [])

    def _steps(self, piece: Piece, ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return (seconds_at(piece, ticks) * self.steps_per_second + 0.5).astype(np.int64)
