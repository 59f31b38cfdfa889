r"""Tokens of a ``**kern`` spine: notes, rests, metres, keys.

Source: the ``**kern`` representation, https://www.humdrum.org/rep/kern/.
"""

from __future__ import annotations

import logging
import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from etude.errors import ReadError
from etude.formats.base import quoted
from etude.music.key import MODE_OF_ABBREVIATION, PITCH_CLASS_OF_LETTER, Key
from etude.music.piece import Metre

log = logging.getLogger(__name__)

MAX_TOKEN = 100  # characters; a note with many ornaments has some twenty

_RECIP = re.compile(r"(\d{1,4})(?:%(\d{1,4}))?(\.{0,8})")
_PITCH = re.compile(r"(?:([A-G])\1{0,5}|([a-g])\2{0,5})(?![A-Ga-g])(#{1,3}|-{1,3}|n)?(?![#n-])")
# Phrase marks, slurs, beams, stems, ornaments, articulation, bowing, editorial signs: no onset or duration.
_SIGNS = re.compile(r"[{}()&LJKk/\\TtMmWwSsO$R'~^`\"|;:,vuzZyYxXiIjVNHhGUDPpQqlo@+?<>!]")
_METRE = re.compile(r"\*M\(?(\d{1,3}(?:\+\d{1,3})*)\)?/(?:(\d{1,3})(?:%(\d{1,3}))?)")
_SIGNATURE = re.compile(r"\*k\[((?:[a-g](?:#+|-+|n))*)\]")
_TEMPO = re.compile(r"\*MM\D*(\d{1,4}(?:\.\d{1,6})?)")
_KEY = re.compile(r"\*([A-Ga-g])(#*|-*):(\w*)")


class KernEvent(NamedTuple):
    """One token of the spine: ``pitch`` is None for a rest; grace notes have no duration."""

    duration: Fraction
    pitch: int | None
    opens_tie: bool
    closes_tie: bool


@lru_cache(maxsize=4096)
def read_event(token: str) -> KernEvent | None:
    """Return the event of a data token, or None for a grace note."""
    if " " in token:
        raise ReadError(f"the chord {quoted(token)}: a song has one note at a time")
    if len(token) > MAX_TOKEN:
        raise ReadError(f"{quoted(token)} has {len(token)} characters, more than any note")
    rest = "r" in token
    left, pitches = _taken(_PITCH, token.replace("r", " ", 1))  # a rest's pitch is its position on the page
    left, recips = _taken(_RECIP, left)
    if len(pitches) != 1 and not rest:
        raise ReadError(f"{quoted(token)} is not one note or rest")
    opens, closes = "[" in left or "_" in left, "]" in left or "_" in left
    unknown = _SIGNS.sub("", left).strip("[]_ ")
    if unknown:
        raise ReadError(f"the sign {quoted(unknown)} in {quoted(token)} is not understood")
    if rest and (opens or closes):
        raise ReadError(f"a tie at the rest {quoted(token)}")
    if "q" in left or "Q" in left:
        return None
    if len(recips) != 1:
        raise ReadError(f"{quoted(token)} has {'two durations' if recips else 'no duration'}")
    return KernEvent(_quarters(recips[0]), None if rest else _midi(pitches[0]), opens, closes)


def _taken(pattern: re.Pattern[str], token: str) -> tuple[str, list[re.Match[str]]]:
    """Return the token with each match replaced by a space, and the matches."""
    return pattern.sub(" ", token), list(pattern.finditer(token))


def _quarters(recip: re.Match[str]) -> Fraction:
    number, numerator, dots = recip.groups()
    zeros = not number.strip("0")  # 0 is a breve, 00 a longa, 000 a maxima
    whole = Fraction(2 ** len(number)) if zeros else Fraction(int(numerator or 1), int(number))
    if not whole:
        raise ReadError(f"the duration {recip[0]} is zero")
    return 4 * whole * (2 - Fraction(1, 2 ** len(dots)))


def _midi(pitch: re.Match[str]) -> int:
    upper, lower, accidental = pitch.groups()
    letter = upper or lower
    octaves = pitch[0].count(letter)
    octave = 4 - octaves if upper else 3 + octaves  # c is middle C, cc an octave above it, C an octave below
    sharps = (accidental or "").count("#") - (accidental or "").count("-")
    midi = 12 * (octave + 1) + PITCH_CLASS_OF_LETTER[letter.upper()] + sharps
    if not 0 <= midi <= 127:
        raise ReadError(f"the pitch {quoted(pitch[0])} is out of range")
    return midi


def is_metre(line: str) -> bool:
    """Return whether a line states a metre, as ``*M6/8`` and ``*M(2+3)/8`` do, and ``*MM96`` does not."""
    return line.startswith("*M") and line[2:].lstrip("(")[:1].isdigit()


def read_metre(line: str) -> Metre:
    """Return the time signature of a line such as ``*M6/8``; ReadError if it is not understood.

    The beat is a duration as notes have it: ``*M3/0`` counts breves, ``*M2/4%3`` dotted halves.
    """
    match = _METRE.fullmatch(line)
    beats = sum(map(int, match[1].split("+"))) if match else 0
    if match and match[2].strip("0") == "":
        beats, unit = beats * 2 ** len(match[2]) * int(match[3] or 1), 1
    else:
        beats, unit = (beats * int(match[3] or 1), int(match[2])) if match else (0, 1)
    if not beats or unit not in (1, 2, 4, 8, 16, 32, 64):
        raise ReadError(f"the metre {quoted(line)} is not understood")
    return Metre(beats, unit)


def read_key(line: str) -> Key | None:
    """Return the key of a line such as ``*e-:`` or ``*D:dor``, None if it is not a key line."""
    match = _KEY.fullmatch(line)
    if not match:
        return None
    letter, accidental, mode = match.groups()
    if (mode and mode not in MODE_OF_ABBREVIATION) or len(accidental) > 2:
        raise ReadError(f"the key {quoted(line)} is not understood")
    tonic = letter.upper() + accidental.replace("-", "b")
    return Key(tonic, MODE_OF_ABBREVIATION.get(mode, "minor" if letter.islower() else "major"))


def read_signature(line: str) -> int:
    """Return the sharps (or, below 0, flats) of a line such as ``*k[f#c#]``."""
    if not (match := _SIGNATURE.fullmatch(line)):
        raise ReadError(f"the key signature {quoted(line)} is not understood")
    return match[1].count("#") - match[1].count("-")


def read_tempo(line: str) -> float | None:
    """Return the quarters a minute of a line such as ``*MM96``, None if it states none, or a range."""
    match = _TEMPO.fullmatch(line)
    return float(match[1]) if match and float(match[1]) > 0 else None


def before_control_character(token: str) -> str:
    """Return the token as far as it is readable."""
    # One published Essen file (deut1328.krn) has the damaged token "4.B<backspace>8G". Other readers take it
    # as 4.B; so do we, with a warning.
    if token.isprintable():
        return token
    readable = re.split(r"[\x00-\x1f\x7f]", token)[0]
    log.warning("%s holds a control character: read as %s", quoted(token), quoted(readable))
    return readable
