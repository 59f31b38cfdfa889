"""Voices: the notes of several voices in order of time, such as ``1:72/4 2:67/4 +4``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import ClassVar, NamedTuple

from etude.encodings.base import Decoded, StepEncoding, in_steps
from etude.errors import EncodeError
from etude.music import Note, Piece

_TOKEN = re.compile(
    r"(?P<voice>[1-9][0-9]{0,2}):(?P<pitch>0|[1-9][0-9]{0,2})/(?P<steps>[1-9][0-9]{0,6})"
    r"|\+(?P<shift>[1-9][0-9]{0,6})",
    re.ASCII,
)


class VoiceToken(NamedTuple):
    """A note of a voice (numbered from 1), or a shift of time, whose voice is 0."""

    voice: int
    pitch: int
    steps: int


@dataclass(frozen=True)
class VoicesEncoding(StepEncoding):
    """A piece whose parts are voices: ``1:72/4`` is a note of part 1, four steps long; ``+4`` is a shift.

    Notes are in order of onset, those of one onset in order of part. After the notes of an onset, a shift
    gives the steps to the next onset or to the end of the piece; a shift comes first if the piece begins with
    silence. So rests need no tokens. Velocity is not encoded. Accepted: pieces of at most ``voices`` parts
    that each have one note at a time, with onsets, durations and end that are whole numbers of steps.
    """

    voices: int = 4

    name: ClassVar[str] = "voices"
    version: ClassVar[int] = 1

    def is_onset(self, token: str) -> bool:
        """Return whether a note starts at this token."""
        return not token.startswith("+")

    def transposed(self, token: str, semitones: int) -> str:
        """Return the token with its pitch moved; it may be outside the vocabulary."""
        voice, pitch, steps = self.parse(token)
        return f"{voice}:{pitch + semitones}/{steps}" if voice else token

    def quarters(self, token: str) -> Fraction:
        """Return the time that passes with a token in quarter notes; none with a note or the terminator."""
        return Fraction(0) if self.is_onset(token) else self.parse(token).steps * self.step_quarters

    def encode(self, piece: Piece) -> list[str]:
        """Return the notes and shifts; EncodeError for too many parts, chords in a part, or other times."""
        if not len(piece):
            raise EncodeError("no notes")
        self._check_parts(piece)
        onsets, durations, (end,) = in_steps(piece, self.step)
        rows = zip(onsets, piece.part.tolist(), piece.pitch.tolist(), durations, strict=True)
        by_onset = [(onset, list(notes)) for onset, notes in groupby(rows, key=lambda row: row[0])]
        following = [*(onset for onset, _ in by_onset[1:]), end]
        tokens = [f"+{onsets[0]}"] if onsets[0] else []
        for (onset, notes), after in zip(by_onset, following, strict=True):
            tokens += [f"{part + 1}:{pitch}/{steps}" for _, part, pitch, steps in notes]
            tokens.append(f"+{after - onset}")
        return tokens

    def _check_parts(self, piece: Piece) -> None:
        parts = int(piece.part.max()) + 1
        if parts > self.voices:
            raise EncodeError(f"it has more parts than data.encoding.voices={self.voices}")
        for part in range(parts):
            rows = piece.part == part
            onset, end = piece.onset[rows], (piece.onset + piece.duration)[rows]
            if (onset[1:] < end[:-1]).any():
                raise EncodeError(f"several notes of part {part + 1} sound at once, so it is not a voice")

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the voices; a piece lasts until its last shift or its last note, whichever ends later.

        Repairs: a note that begins while its voice has a note ends that note, or replaces it if both begin at
        one time; a shift after a shift adds to it.
        """
        repairs: Counter[str] = Counter()
        rows: list[list[int]] = []  # onset, steps, pitch, part
        latest: dict[int, list[int]] = {}  # the last note of each part
        now = 0
        shifted = False
        for token in tokens:
            voice, pitch, steps = self.parse(token)
            if not voice:
                repairs["shift after a shift"] += shifted
                now += steps
            else:
                last = latest.get(voice)
                if last is not None and last[0] + last[1] > now:
                    repairs["note within a note of its voice"] += 1
                    last[1] = now - last[0]
                latest[voice] = [now, steps, pitch, voice - 1]
                rows.append(latest[voice])
            shifted = not voice
        step = self.step_quarters
        notes = [
            Note(onset * step, steps * step, pitch, part=part) for onset, steps, pitch, part in rows if steps
        ]
        return Decoded(Piece.from_notes(notes, length=now * step), +repairs)

    def parse(self, token: str) -> VoiceToken:
        """Return what a token says; ValueError if it is none of this encoding."""
        match = _TOKEN.fullmatch(token)
        if match and match["shift"]:
            return VoiceToken(0, 0, int(match["shift"]))
        if match and int(match["voice"]) <= self.voices and int(match["pitch"]) <= 127:
            return VoiceToken(int(match["voice"]), int(match["pitch"]), int(match["steps"]))
        raise ValueError(
            f"{token!r} is not a note of a voice from 1 to {self.voices} (1:72/4) and no shift (+4)"
        )
