"""Transposition of ABC text: the same tune in another key, laid out alike."""

from __future__ import annotations

import re
from collections.abc import Mapping

from etude.formats.abc.information_fields import read_key, signature_of
from etude.formats.abc.signs import ACCIDENTALS, SIGN_OF_ALTER
from etude.music.key import Key

LETTERS = "CDEFGAB"

_KEY_LINE = re.compile(r"K:[ \t]*")
_FIELD_LINE = re.compile(r"[A-Za-z]:(?![|:\]])")  # "d:|" is music
_NOT_COVERED = re.compile(r"\[[A-Za-z]:|\+")  # inline fields; chords and decorations between plus signs
_MUSIC = re.compile(
    r'"[^"\n]*"|![A-Za-z0-9]+!|%[^\n]*'  # chord symbols, decorations, comments
    r"|(?P<accidental>\^\^?|__?|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)"
)


def transposed_text(tune: str, fifths: int) -> str:
    """Return a tune with ``fifths`` more sharps (below 0: flats) in its key signature, moved the nearer way.

    Letters move by steps of the scale, and accidentals follow the new signature, so that the text gives the
    tune's music, transposed. Chord symbols stay as they are. ValueError for a key other than a tonic and a
    mode, for triple accidentals, and for text that this does not cover.
    """
    steps = (4 * fifths + 3) % 7 - 3  # a fifth is four steps up, or three down
    old: Mapping[str, int] = {}
    new: Mapping[str, int] = {}
    lines: list[str] = []
    for line in tune.splitlines(keepends=True):
        if head := _KEY_LINE.match(line):
            before = _plain_key(line[head.end() :])
            after = Key.from_fifths(before.fifths + fifths, before.mode)
            old, new = signature_of(before), signature_of(after)
            lines.append(head[0] + after.tonic + line[head.end() + len(before.tonic) :])
        elif _FIELD_LINE.match(line):
            lines.append(line)
        elif _NOT_COVERED.search(line):
            raise ValueError("an inline field or a plus sign")
        else:
            lines.append(_MUSIC.sub(lambda sign: _moved(sign, steps, old, new), line))  # noqa: B023
    return "".join(lines)


def _plain_key(text: str) -> Key:
    found = read_key(text.strip())
    if found.key is None or found.semitones != signature_of(found.key):
        raise ValueError("a key that is no tonic and mode")
    return found.key


def _moved(sign: re.Match[str], steps: int, old: Mapping[str, int], new: Mapping[str, int]) -> str:
    """Return a note moved by steps of the scale; its accidental alters the new degree as it did the old."""
    if sign["letter"] is None:
        return sign[0]
    letter = sign["letter"].upper()
    octave = sign["letter"].islower() + sign["octave"].count("'") - sign["octave"].count(",")
    octave, degree = divmod(7 * octave + LETTERS.index(letter) + steps, 7)
    moved = LETTERS[degree]
    accidental = ""
    if sign["accidental"]:
        shift = ACCIDENTALS[sign["accidental"]] - old.get(letter, 0) + new.get(moved, 0)
        if shift not in SIGN_OF_ALTER:
            raise ValueError("a triple accidental")
        accidental = SIGN_OF_ALTER[shift]
    return accidental + (moved.lower() + "'" * (octave - 1) if octave > 0 else moved + "," * -octave)
