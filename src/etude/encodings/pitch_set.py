"""Pitch sets: one token per note or chord as music21 finds them, without rhythm, as in the Mozart lab.

Source: "Recurrent Neural Networks", Foundations of Applied Mathematics labs, volume 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from etude.encodings.base import Decoded, SourceTokens, StepEncoding
from etude.encodings.music21_midi import pitch_set_tokens
from etude.encodings.music21_midi.grouping import quantised_onset
from etude.encodings.music21_midi.names import PITCH_NAMES, chord_token
from etude.errors import EncodeError
from etude.music import Note, Piece

PITCH_OF_NAME = {name: pitch for pitch, name in enumerate(PITCH_NAMES)}


@dataclass(frozen=True)
class PitchSetEncoding(StepEncoding):
    """Notes as ``B-4`` and chords as ``D3.F#3``, in the order of a score, without durations.

    ``step``, a fraction of a whole note ("1/8"), is the distance between decoded chords and their length.
    Only the order of tokens survives: ``encode(decode(tokens).piece)`` gives back the tokens that ``encode``
    can give; a piece comes back if it consists of even chords of that length.

    ``encode_source`` encodes the events of a MIDI file and gives the lab's list exactly. ``encode`` follows
    the same rules from a Piece, which no longer has the order of events at one tick: on the Mozart files 351
    of 114,215 tokens are elsewhere.

    In both, the notes of each track are chords of their own, one after the other. With ``merge_parts`` a
    chord is, at each onset in any part, all notes that sound then, as in music21's ``chordify``.
    """

    step: str = "1/8"
    merge_parts: bool = False

    name: ClassVar[str] = "pitch_set"
    version: ClassVar[int] = 1
    has_grid: ClassVar[bool] = False

    def config(self) -> dict[str, str | int | bool]:
        """Return the settings as plain values; ``merge_parts`` where it changes tokens."""
        return {key: value for key, value in super().config().items() if value}

    def is_onset(self, token: str) -> bool:
        """Return True: each token is a note or a chord."""
        return True

    def pitches(self, token: str) -> list[int]:
        """Return the pitches that sound in a token, ascending; ValueError if it is no token."""
        return _pitches(token)

    def transposed(self, token: str, semitones: int) -> str:
        """Return the token of the chord moved by semitones; it may be outside the vocabulary."""
        pitches = tuple(pitch + semitones for pitch in _pitches(token))
        return chord_token(pitches) if min(pitches) >= 0 and max(pitches) <= 127 else ""

    def takes(self, data: bytes, name: str) -> bool:
        """Return whether the file is MIDI, unless its tracks are merged."""
        return data.startswith(b"MThd") and not self.merge_parts

    def encode_source(self, data: bytes, name: str, *, by_music21: bool = False) -> Iterator[SourceTokens]:
        """Yield the tokens of a MIDI file; ReadError if it is broken, EncodeError if it has no notes."""
        tokens = pitch_set_tokens(data, name, by_music21=by_music21)
        if not tokens:
            raise EncodeError("no notes")
        yield SourceTokens(name, data, tokens)

    def encode(self, piece: Piece) -> list[str]:
        """Return one token per note or chord; EncodeError where the rules do not cover the piece."""
        if not len(piece):
            raise EncodeError("no notes")
        return _chordified(piece) if self.merge_parts else pitch_set_tokens(piece)

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the chords one ``step`` after another; no repairs are needed."""
        step = self.step_quarters
        notes = [
            Note(index * step, step, pitch) for index, token in enumerate(tokens) for pitch in _pitches(token)
        ]
        return Decoded(Piece.from_notes(notes, length=len(tokens) * step), Counter())


def _chordified(piece: Piece) -> list[str]:
    """Return a token for each onset, quantised: the chord of all notes that sound then."""
    rows = [
        (
            onset := quantised_onset(tick, piece.division),
            max(quantised_onset(tick + duration, piece.division), onset + 1),
            pitch,
        )
        for tick, duration, pitch in zip(
            piece.onset.tolist(), piece.duration.tolist(), piece.pitch.tolist(), strict=True
        )
    ]
    tokens: list[str] = []
    sounding: list[tuple[int, int]] = []  # (end, pitch)
    for onset, beginning in groupby(sorted(rows), key=lambda row: row[0]):
        sounding = [note for note in sounding if note[0] > onset]
        sounding += [(end, pitch) for _, end, pitch in beginning]
        tokens.append(chord_token(tuple({pitch for _, pitch in sounding})))
    return tokens


def _pitches(token: str) -> list[int]:
    try:
        return sorted({PITCH_OF_NAME[name] for name in token.split(".")})
    except KeyError as name:
        raise ValueError(f"{token!r} is not a pitch-set token: {name} is no pitch such as B-4") from None
