"""Note names as a primer: ``C4 D4 E4``, LilyPond's ``fis'4 g'8``, or ABC letters such as ``CDEC``."""

from __future__ import annotations

import re
from fractions import Fraction

from etude.formats.abc.reader import parse_abc
from etude.music import Piece
from etude.music.key import PITCH_CLASS_OF_LETTER

_NAME = re.compile(r"(?P<letter>[A-G])(?P<sign>[#b]?)(?P<octave>\d)")
_LILYPOND = re.compile(
    r"(?P<letter>[a-gr])(?P<sign>(?:is|es|(?<=[ae])s)*)(?P<octave>'*|,*)(?P<length>1|2|4|8|16|32)?(?P<dot>\.?)"
)
_ABC_LETTERS = re.compile(r"(?:[_^=]*[A-Ga-gz][,']*\d*/*\d*|\|)+")


def name_pitch(name: str) -> int | None:
    """Return the MIDI number of a note name such as ``F#3``; None for other text."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    sign = {"#": 1, "b": -1, "": 0}[match["sign"]]
    return PITCH_CLASS_OF_LETTER[match["letter"]] + sign + 12 * (int(match["octave"]) + 1)


def named_notes(text: str) -> Piece | None:
    """Return the melody that note names mean; None if the text is anything else.

    ``C4 D4``: letter, # or b, octave (middle C is C4); quarter notes. LilyPond: lower case, one note a word
    (``fis'4``, ``r8``; c' is middle C; a length holds until the next). ABC: letters run together or apart
    (``CDEC``, ``C D E C``; C is middle C), a quarter note each.
    """
    words = text.split()
    if not words:
        return None
    pitches = [pitch for word in words if (pitch := name_pitch(word)) is not None]
    if len(pitches) == len(words):
        return _melody([(pitch, Fraction(1)) for pitch in pitches])
    found = [_LILYPOND.fullmatch(word) for word in words]
    if all(found):
        return _lilypond_melody([match for match in found if match])
    if all(map(_ABC_LETTERS.fullmatch, words)) and len(re.findall("[A-Ga-g]", text)) > 1:
        return next(iter(parse_abc(f"X:1\nL:1/4\nK:C\n{text}\n").pieces), None)
    return None


def _lilypond_melody(words: list[re.Match[str]]) -> Piece | None:
    notes: list[tuple[int | None, Fraction]] = []
    length = Fraction(1)
    for word in words:
        if word["length"]:
            length = Fraction(4, int(word["length"])) * (Fraction(3, 2) if word["dot"] else 1)
        sign = word["sign"].count("is") - len(re.findall("es|s", word["sign"].replace("is", "")))
        octave = 12 * (word["octave"].count("'") - word["octave"].count(","))
        rest = word["letter"] == "r"
        notes.append(
            (None if rest else 48 + PITCH_CLASS_OF_LETTER[word["letter"].upper()] + sign + octave, length)
        )
    return _melody(notes)


def _melody(notes: list[tuple[int | None, Fraction]]) -> Piece | None:
    """Return notes one after another, None for a rest; None if there is no note or one is not MIDI's."""
    rows = []
    onset = Fraction(0)
    for pitch, length in notes:
        if pitch is not None:
            rows.append((onset, length, pitch))
        onset += length
    if not rows or not all(0 <= pitch <= 127 for _, _, pitch in rows):
        return None
    return Piece.from_notes(rows, length=onset)
