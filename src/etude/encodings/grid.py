"""Grid encoding: one token per time step, as in "Musical Interrogation III"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from etude.encodings.base import Decoded, StepEncoding, in_steps
from etude.errors import EncodeError
from etude.music import Note, Piece

HOLD = "_"
REST = "r"


@dataclass(frozen=True)
class GridEncoding(StepEncoding):
    """A monophonic piece as one token per step.

    A MIDI number at the onset of a note, ``r`` at the onset of a silence, ``_`` while either lasts.
    Velocity is not encoded. Accepted: pieces without chords whose onsets, durations and end are whole
    numbers of steps.
    """

    name: ClassVar[str] = "grid"
    version: ClassVar[int] = 1

    def is_onset(self, token: str) -> bool:
        """Return whether a note or a rest starts at this token."""
        return token != HOLD

    def transposed(self, token: str, semitones: int) -> str:
        """Return the token with its pitch moved; it may be outside the vocabulary."""
        return token if token in (HOLD, REST) else str(int(token) + semitones)

    def encode(self, piece: Piece) -> list[str]:
        """Return one token per step; EncodeError if a duration does not fit, or notes overlap."""
        if not piece.is_monophonic:
            raise EncodeError("notes sound at once")
        onsets, durations, (length,) = in_steps(piece, self.step)
        if not length:
            raise EncodeError("no notes")
        tokens = [HOLD] * length
        end = 0
        for onset, duration, pitch in zip(onsets, durations, piece.pitch.tolist(), strict=True):
            if onset > end:
                tokens[end] = REST
            tokens[onset] = str(pitch)
            end = onset + duration
        if end < len(tokens):
            tokens[end] = REST
        return tokens

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the melody with all its steps.

        Repairs: a hold before any note is silence; a rest within a silence continues it.
        """
        repairs: Counter[str] = Counter()
        notes: list[Note] = []
        step = self.step_quarters
        sounding = silent = False
        for index, token in enumerate(tokens):
            if token == HOLD:
                if sounding:
                    notes[-1] = notes[-1]._replace(duration=notes[-1].duration + step)
                elif not silent:
                    repairs["hold of nothing"] += 1
                    silent = True
            elif token == REST:
                repairs["rest within a rest"] += silent
                sounding, silent = False, True
            else:
                notes.append(Note(index * step, step, _pitch(token)))
                sounding, silent = True, False
        return Decoded(Piece.from_notes(notes, length=len(tokens) * step), +repairs)


def _pitch(token: str) -> int:
    if token.isascii() and token.isdigit() and int(token) <= 127:
        return int(token)
    raise ValueError(f"{token!r} is not a grid token: a MIDI number 0 to 127, {HOLD!r} or {REST!r}")
