"""Spelling: the note name of a MIDI pitch in a key."""

from __future__ import annotations

from typing import NamedTuple

from etude.music.key import LETTERS_BY_FIFTHS, Key

# The spellings of a key are twelve neighbours on the line of fifths. The first, counted from the signature:
# E flat in C major (up to G sharp), B flat in A minor (up to D sharp).
FIRST_FIFTH_IN_MAJOR = -3
FIRST_FIFTH_IN_MINOR = -2
# No double flats, and double sharps for leading tones only: from F flat to B sharp.
FLATTEST, SHARPEST = -8, 12
MOST_FIFTHS = 7  # sharps or flats that a signature can have
LEADING_TONE_FIFTHS = 5  # above its tonic on the line of fifths

C_MAJOR = Key("C")


class Spelling(NamedTuple):
    """A note name: letter, semitones of its accidental (sharp = 1, flat = -1), octave (middle C = 4)."""

    letter: str
    alter: int
    octave: int

    def __str__(self) -> str:
        return f"{self.letter}{'#' * self.alter}{'b' * -self.alter}{self.octave}"


def spell(pitch: int, key: Key | None) -> Spelling:
    """Return the name of a MIDI pitch in a key (C major if None).

    Scale degrees are spelled as in the signature, other pitches by the nearest neighbours on the line of
    fifths, the leading tone of a minor key as its raised seventh degree.
    """
    key = written_key(key)
    first = key.fifths + (FIRST_FIFTH_IN_MINOR if key.mode == "minor" else FIRST_FIFTH_IN_MAJOR)
    first = min(max(first, FLATTEST), SHARPEST - 11)
    fifths = first + (7 * pitch - first) % 12
    leading_tone = key.tonic_fifths + LEADING_TONE_FIFTHS
    if key.mode == "minor" and (7 * pitch - leading_tone) % 12 == 0:
        fifths = leading_tone
    alter, index = divmod(fifths + 1, 7)
    letter = LETTERS_BY_FIFTHS[index]
    return Spelling(letter, alter, (pitch - alter) // 12 - 1)


def pitch_name(pitch: int) -> str:
    """Return the name of a MIDI pitch without a key: 60 is C4, 61 is C#4."""
    return str(spell(pitch, None))


def written_key(key: Key | None) -> Key:
    """Return the key whose signature is printed: at most seven sharps or flats; C major if None."""
    key = key or C_MAJOR
    return key if abs(key.fifths) <= MOST_FIFTHS else key.transposed(0)


def signature_alters(fifths: int) -> dict[str, int]:
    """Return the alteration of each letter in a signature of ``fifths`` sharps (or, below 0, flats)."""
    return {letter: (fifths - place - 1 + 7) // 7 for place, letter in enumerate(LETTERS_BY_FIFTHS)}
