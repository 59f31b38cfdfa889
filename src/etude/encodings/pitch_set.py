"""Pitch sets: one token per note or chord as music21 finds them, rhythm left out, as in the Mozart lab.

Source: "Recurrent Neural Networks", Foundations of Applied Mathematics labs, volume 3.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from etude.encodings.base import Decoded, SourceTokens, Spaced
from etude.encodings.music21_midi.grouping import OffTheRulesError, Struck, in_order
from etude.encodings.music21_midi.names import PITCH_NAMES, chord_token
from etude.encodings.music21_midi.tokens import music21_pitch_set_tokens, part_elements, pitch_set_tokens
from etude.encodings.vocabulary import TERMINATOR
from etude.errors import EncodeError, ReadError
from etude.formats.midi.events import parse_midi
from etude.music import Note, Piece

log = logging.getLogger(__name__)

PITCH_OF_NAME = {name: pitch for pitch, name in enumerate(PITCH_NAMES)}


def midi_pitch_sets(data: bytes, name: str = "") -> list[str]:
    """Return the lab's tokens of a MIDI file, the same that music21 10.5.1 gives; ReadError if it is broken.

    A file that the rules do not cover is left to music21, which takes 50 to 90 times as long.
    """
    try:
        return pitch_set_tokens(parse_midi(data))
    except OffTheRulesError as reason:
        log.info("%s: %s; music21 reads it", name, reason)
        return _by_music21(data, name)
    except ReadError as error:
        raise error.at(name) from None


def _by_music21(data: bytes, name: str) -> list[str]:
    try:
        return music21_pitch_set_tokens(data)
    except Exception as error:  # its parser raises anything
        raise ReadError(f"music21 cannot read it: {type(error).__name__}: {error}", path=name) from error


@dataclass(frozen=True)
class PitchSetEncoding(Spaced):
    """Notes as ``B-4`` and chords as ``D3.F#3``, in the order of a score; nothing is kept of durations.

    ``step`` (a fraction of a whole note, as in "1/8") is how far apart the decoded chords are, and how
    long each lasts. Only the order of tokens survives: ``encode(decode(tokens).piece)`` gives back the
    tokens that ``encode`` can give; a piece comes back if it is even chords of that length.

    A MIDI file is encoded from its own events (``encode_source``), which gives the lab's list exactly.
    ``encode`` follows the same rules from a Piece, which no longer knows the order of events at one tick:
    on the Mozart files 351 of 114,215 tokens stand elsewhere.
    """

    step: str = "1/8"

    name: ClassVar[str] = "pitch_set"
    version: ClassVar[int] = 1
    symbols: ClassVar[None] = None
    terminator: ClassVar[str] = TERMINATOR

    def config(self) -> dict[str, str | int | bool]:
        """Return the settings as plain values."""
        return {"step": self.step}

    def is_onset(self, token: str) -> bool:
        """Return whether a note or chord starts here: each token is one."""
        return True

    def takes(self, data: bytes, name: str) -> bool:
        """Return whether the file is MIDI."""
        return data.startswith(b"MThd")

    def encode_source(self, data: bytes, name: str, *, by_music21: bool = False) -> Iterator[SourceTokens]:
        """Yield the tokens of a MIDI file; ReadError if it is broken, EncodeError if it has no notes."""
        tokens = _by_music21(data, name) if by_music21 else midi_pitch_sets(data, name)
        if not tokens:
            raise EncodeError("no notes")
        yield SourceTokens(name, data, tokens)

    def encode(self, piece: Piece) -> list[str]:
        """Return one token per note or chord; EncodeError where music21's rules are not known."""
        if not len(piece):
            raise EncodeError("no notes")
        metres = [(tick, metre.quarters) for tick, metre in piece.metres]
        if any((64 * quarters / 4).denominator != 1 for _, quarters in metres):
            raise EncodeError("a metre that counts less than 1/64 notes")
        marks = [tick for tick, _ in (*piece.metres, *piece.tempos)]
        notes: dict[int, list[Struck]] = {}
        for onset, end, pitch, part in zip(
            piece.onset.tolist(),
            (piece.onset + piece.duration).tolist(),
            piece.pitch.tolist(),
            piece.part.tolist(),
            strict=True,
        ):
            notes.setdefault(part, []).append(Struck(onset, end, pitch))
        try:
            elements = [
                element
                for part in sorted(notes)
                for element in part_elements(notes[part], piece.division, metres, [0], marks)
            ]
        except OffTheRulesError as reason:
            raise EncodeError(str(reason)) from None
        return [chord_token(element.pitches) for element in in_order(elements)]

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the chords one ``step`` after another; there is nothing to repair."""
        step = 4 * Fraction(self.step)
        notes = [
            Note(index * step, step, pitch) for index, token in enumerate(tokens) for pitch in _pitches(token)
        ]
        return Decoded(Piece.from_notes(notes, length=len(tokens) * step), Counter())


def _pitches(token: str) -> list[int]:
    try:
        return sorted({PITCH_OF_NAME[name] for name in token.split(".")})
    except KeyError as name:
        raise ValueError(f"{token!r} is not a pitch-set token: {name} is no pitch such as B-4") from None
