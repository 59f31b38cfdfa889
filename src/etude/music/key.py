"""Keys: tonic, mode, signature, transposition."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Positions of the letters on the line of fifths, C = 0; a sharp adds 7, a flat subtracts 7.
FIFTHS_OF_LETTER = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
LETTERS_BY_FIFTHS = "FCGDAEB"
PITCH_CLASS_OF_LETTER = {letter: fifths * 7 % 12 for letter, fifths in FIFTHS_OF_LETTER.items()}

# Fifths from the signature of the major key on the same tonic to that of the mode.
FIFTHS_OF_MODE = {
    "major": 0,
    "minor": -3,
    "dorian": -2,
    "phrygian": -4,
    "lydian": 1,
    "mixolydian": -1,
    "locrian": -5,
}
# The first three letters of a church mode's name, which ABC and kern write and music21's names begin with.
MODE_OF_ABBREVIATION = {"ion": "major", "aeo": "minor"} | {
    mode[:3]: mode for mode in FIFTHS_OF_MODE if mode not in ("major", "minor")
}


@dataclass(frozen=True)
class Key:
    """A key such as ``Key("Bb")`` or ``Key("F#", "minor")``; the modes are those of FIFTHS_OF_MODE."""

    tonic: str
    mode: str = "major"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-G](#*|b*)", self.tonic):
            raise ValueError(f"a tonic is a letter A to G with # or b, got {self.tonic!r}")
        if self.mode not in FIFTHS_OF_MODE:
            raise ValueError(f"a mode is one of {', '.join(FIFTHS_OF_MODE)}, got {self.mode!r}")

    @property
    def tonic_fifths(self) -> int:
        """Position of the tonic on the line of fifths, C = 0."""
        accidentals = self.tonic[1:].count("#") - self.tonic[1:].count("b")
        return FIFTHS_OF_LETTER[self.tonic[0]] + 7 * accidentals

    @property
    def fifths(self) -> int:
        """Sharps (positive) or flats (negative) of the signature."""
        return self.tonic_fifths + FIFTHS_OF_MODE[self.mode]

    @property
    def has_minor_third(self) -> bool:
        """Whether the third above the tonic is minor: in minor, dorian, phrygian and locrian."""
        return FIFTHS_OF_MODE[self.mode] < FIFTHS_OF_MODE["mixolydian"]

    @property
    def pitch_class(self) -> int:
        """Pitch class of the tonic, C = 0."""
        return self.tonic_fifths * 7 % 12

    @classmethod
    def from_fifths(cls, fifths: int, mode: str = "major") -> Key:
        """Return the key of this mode whose signature has ``fifths`` sharps (or, below 0, flats)."""
        tonic_fifths = fifths - FIFTHS_OF_MODE[mode]
        accidentals, letter = divmod(tonic_fifths + 1, 7)
        sign = "#" * accidentals if accidentals > 0 else "b" * -accidentals
        return cls(LETTERS_BY_FIFTHS[letter] + sign, mode)

    def transposed(self, semitones: int) -> Key:
        """Return the key ``semitones`` higher, in the simplest spelling (six flats before six sharps)."""
        fifths = (self.fifths + 7 * semitones + 6) % 12 - 6
        return Key.from_fifths(fifths, self.mode)

    def __str__(self) -> str:
        return f"{self.tonic} {self.mode}"
