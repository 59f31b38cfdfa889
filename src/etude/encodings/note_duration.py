"""Note and duration: one token per note or rest, such as ``60/4``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from etude.encodings.base import Decoded, StepEncoding, in_steps
from etude.errors import EncodeError
from etude.music import Note, Piece

REST = "r"
_TOKEN = re.compile(r"(r|0|[1-9][0-9]{0,2})/([1-9][0-9]{0,6})", re.ASCII)


@dataclass(frozen=True)
class NoteDurationEncoding(StepEncoding):
    """A monophonic piece as pitch and length: ``60/4`` is middle C for four steps, ``r/2`` a rest of two.

    Velocity is not encoded. Accepted: pieces without chords whose onsets, durations and end are whole
    numbers of steps.
    """

    name: ClassVar[str] = "note_duration"
    version: ClassVar[int] = 1

    def is_onset(self, token: str) -> bool:
        """Return True: each token is a note or a rest."""
        return True

    def transposed(self, token: str, semitones: int) -> str:
        """Return the token with its pitch moved; it may be outside the vocabulary."""
        pitch, length = _parts(token)
        return token if pitch is None else f"{pitch + semitones}/{length}"

    def quarters(self, token: str) -> Fraction:
        """Return the length of a token in quarter notes, 0 for the terminator."""
        return Fraction(0) if token == self.terminator else _parts(token)[1] * self.step_quarters

    def encode(self, piece: Piece) -> list[str]:
        """Return one token per note or rest; EncodeError if a time does not fit, or notes overlap."""
        if not piece.is_monophonic:
            raise EncodeError("notes sound at once")
        if not piece.length:
            raise EncodeError("no notes")
        tokens: list[str] = []
        position = 0
        onsets, durations, (end,) = in_steps(piece, self.step)
        for onset, duration, pitch in zip(onsets, durations, piece.pitch.tolist(), strict=True):
            if onset > position:
                tokens.append(f"{REST}/{onset - position}")
            tokens.append(f"{pitch}/{duration}")
            position = onset + duration
        if end > position:
            tokens.append(f"{REST}/{end - position}")
        return tokens

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the melody. Repair: a rest after a rest is one longer rest."""
        repairs: Counter[str] = Counter()
        step = self.step_quarters
        notes: list[Note] = []
        position = 0
        resting = False
        for token in tokens:
            pitch, length = _parts(token)
            if pitch is not None:
                notes.append(Note(position * step, length * step, pitch))
            elif resting:
                repairs["rest after a rest"] += 1
            resting = pitch is None
            position += length
        return Decoded(Piece.from_notes(notes, length=position * step), repairs)


def _parts(token: str) -> tuple[int | None, int]:
    match = _TOKEN.fullmatch(token)
    if match and (match[1] == REST or int(match[1]) <= 127):
        return None if match[1] == REST else int(match[1]), int(match[2])
    raise ValueError(f"{token!r} is not a note and its steps, such as 60/4 or {REST}/2")
