"""Piece: music as arrays of exact integers, the type that formats and models exchange."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from etude.music.key import Key

Ticks = npt.NDArray[np.int64]

DEFAULT_VELOCITY = 80  # mezzo-forte; for formats without dynamics
COLUMNS = ("onset", "part", "pitch", "duration", "velocity")  # in the order that notes are sorted by


class Metre(NamedTuple):
    """A time signature: ``beats`` beats to the bar, each a 1/``unit`` note."""

    beats: int
    unit: int

    @property
    def quarters(self) -> Fraction:
        """Length of one bar in quarter notes."""
        return Fraction(4 * self.beats, self.unit)

    def __str__(self) -> str:
        return f"{self.beats}/{self.unit}"


class Note(NamedTuple):
    """One note; onset and duration in quarter notes, pitch as a MIDI number (60 = middle C)."""

    onset: Fraction
    duration: Fraction
    pitch: int
    velocity: int = DEFAULT_VELOCITY
    part: int = 0


@dataclass(frozen=True, eq=False)
class Piece:
    """Notes as arrays, with title, key, metres and tempos.

    Times are integers in ticks, ``division`` ticks to the quarter note, so they are exact. The five
    arrays have shape (n,) and are sorted by (onset, part, pitch, duration, velocity). ``length`` is the end
    of the piece in ticks: at or after the end of its last note (a piece may end with a rest).

    Two pieces are equal if they have the same notes and the same length, whatever the division. Title, key,
    metre, tempo and name do not count.
    """

    onset: Ticks
    duration: Ticks
    pitch: Ticks
    velocity: Ticks
    part: Ticks
    division: int = 480
    length: int = 0
    title: str = ""
    name: str = ""  # file and tune, e.g. "deut0567.krn" or "erk10.abc X:12"
    key: Key | None = None
    metres: tuple[tuple[int, Metre], ...] = ()  # (tick, metre from that tick on)
    tempos: tuple[tuple[int, float], ...] = ()  # (tick, quarter notes a minute from that tick on)
    pickup: int = 0  # ticks before the first full bar line
    part_names: tuple[str, ...] = field(default=())
    programs: tuple[int, ...] = ()  # General MIDI program of each part, from 1; 0: the file states none

    def __post_init__(self) -> None:
        arrays = [np.asarray(getattr(self, name), dtype=np.int64) for name in COLUMNS]
        if len({array.shape for array in arrays}) != 1 or arrays[0].ndim != 1:
            raise ValueError("the note arrays must be one-dimensional and of one length")
        if self.division < 1:
            raise ValueError(f"division must be at least 1, got {self.division}")
        order = np.lexsort(tuple(reversed(arrays)))
        onset, part, pitch, duration, velocity = (array[order] for array in arrays)
        if len(onset) and (onset[0] < 0 or duration.min() < 1):
            raise ValueError("onsets must not be negative and durations must be positive")
        if len(pitch) and (pitch.min() < 0 or pitch.max() > 127):
            raise ValueError(f"pitches must lie in 0..127, got {pitch.min()}..{pitch.max()}")
        end = int((onset + duration).max()) if len(onset) else 0
        for name, array in zip(COLUMNS, (onset, part, pitch, duration, velocity), strict=True):
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "length", max(int(self.length), end))

    @classmethod
    def from_notes(
        cls,
        notes: Iterable[Note | tuple[Fraction | int, Fraction | int, int]],
        *,
        length: Fraction | int = 0,
        title: str = "",
        name: str = "",
        key: Key | None = None,
        metres: Sequence[tuple[Fraction | int, Metre]] = (),
        tempos: Sequence[tuple[Fraction | int, float]] = (),
        pickup: Fraction | int = 0,
        part_names: tuple[str, ...] = (),
        programs: tuple[int, ...] = (),
    ) -> Piece:
        """Build a piece from notes, all times in quarter notes; the division is the smallest exact one."""
        rows = [Note(*note) for note in notes]
        times = [Fraction(length), Fraction(pickup)]
        times += [Fraction(time) for row in rows for time in (row.onset, row.duration)]
        times += [Fraction(change[0]) for change in (*metres, *tempos)]
        division = math.lcm(*(time.denominator for time in times))

        def ticks(time: Fraction | int) -> int:
            return int(Fraction(time) * division)

        return cls(
            onset=np.array([ticks(row.onset) for row in rows], dtype=np.int64),
            duration=np.array([ticks(row.duration) for row in rows], dtype=np.int64),
            pitch=np.array([row.pitch for row in rows], dtype=np.int64),
            velocity=np.array([row.velocity for row in rows], dtype=np.int64),
            part=np.array([row.part for row in rows], dtype=np.int64),
            division=division,
            length=ticks(length),
            title=title,
            name=name,
            key=key,
            metres=tuple((ticks(time), metre) for time, metre in metres),
            tempos=tuple((ticks(time), tempo) for time, tempo in tempos),
            pickup=ticks(pickup),
            part_names=part_names,
            programs=programs,
        )

    @property
    def notes(self) -> list[Note]:
        """The notes in order, times as exact quarter notes."""
        columns = (self.onset, self.duration, self.pitch, self.velocity, self.part)
        return [
            Note(Fraction(onset, self.division), Fraction(duration, self.division), pitch, velocity, part)
            for onset, duration, pitch, velocity, part in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]

    @property
    def quarters(self) -> Fraction:
        """Length in quarter notes."""
        return Fraction(self.length, self.division)

    @property
    def metre(self) -> Metre | None:
        """The first time signature, if there is one."""
        return self.metres[0][1] if self.metres else None

    @property
    def tempo(self) -> float | None:
        """The first tempo in quarter notes a minute, if there is one."""
        return self.tempos[0][1] if self.tempos else None

    @property
    def is_monophonic(self) -> bool:
        """Whether no two notes sound at the same time."""
        return bool((self.onset[1:] >= (self.onset + self.duration)[:-1]).all())

    def __len__(self) -> int:
        return len(self.onset)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Piece):
            return NotImplemented
        if len(self) != len(other) or self.length * other.division != other.length * self.division:
            return False
        return (
            bool((self.onset * other.division == other.onset * self.division).all())
            and bool((self.duration * other.division == other.duration * self.division).all())
            and np.array_equal(self.pitch, other.pitch)
            and np.array_equal(self.velocity, other.velocity)
            and np.array_equal(self.part, other.part)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        label = self.name or self.title or "untitled"
        return f"Piece({label!r}, {len(self)} notes, {float(self.quarters):g} quarters)"

    def transposed(self, semitones: int) -> Piece:
        """Return the piece ``semitones`` higher, key included; ValueError if a pitch leaves 0..127."""
        key = self.key.transposed(semitones) if self.key else None
        return dataclasses.replace(self, pitch=self.pitch + semitones, key=key)

    def selected(self, rows: npt.NDArray[np.bool_] | Sequence[int]) -> Piece:
        """Return the piece with these notes alone, given by a mask (n,) or by their indices."""
        return dataclasses.replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def finer(self, factor: int) -> Piece:
        """Return the same music in ``factor`` times as many ticks to the quarter note."""
        return dataclasses.replace(
            self,
            onset=self.onset * factor,
            duration=self.duration * factor,
            division=self.division * factor,
            length=self.length * factor,
            metres=tuple((tick * factor, metre) for tick, metre in self.metres),
            tempos=tuple((tick * factor, tempo) for tick, tempo in self.tempos),
            pickup=self.pickup * factor,
        )

    def part_name(self, part: int) -> str:
        """Return the name of a part, "" if it has none."""
        return self.part_names[part] if 0 <= part < len(self.part_names) else ""

    def program(self, part: int) -> int:
        """Return the General MIDI program of a part, from 1; 0 if none is stated."""
        return self.programs[part] if 0 <= part < len(self.programs) else 0

    def show(self) -> Path | None:
        """Show the score and the sound in a notebook, or write them to a folder, print and return it."""
        from etude.rendering.display import show  # against the import order, so only when it is called

        return show(self)

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook displays: the score and an audio player."""
        from etude.rendering.display import piece_html  # likewise

        return piece_html(self)
