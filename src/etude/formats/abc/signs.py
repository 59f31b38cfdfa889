"""The signs of ABC's tune body, as one regular expression whose group names are the kinds of sign.

Source: the ABC music standard 2.1, section 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from etude.errors import ReadError
from etude.formats.base import quoted
from etude.music.key import PITCH_CLASS_OF_LETTER

_LENGTH = r"(?:\d{1,4})?(?:/+\d{0,4}){0,4}"
_NOTE = rf"(?:\^\^?|__?|=)?[A-Ga-g][,']{{0,12}}{_LENGTH}"
DEFINED_LETTERS = "HLMOPSTuvJR"  # letters that mean a decoration without a U: field

# The first group that matches wins, so a longer sign is listed before a sign that it begins with.
SIGN = re.compile(
    rf"""
      (?P<note> (?P<accidental>\^\^?|__?|=)? (?P<letter>[A-Ga-g][,']{{0,12}}) (?P<length>{_LENGTH}) )
    | (?P<bar> \.?:*\[\|\] | \.?:*\[?\|+[\|\]]*:* | :{{2,}} ) (?P<first_ending>\d[\d,.-]*)?
    | (?P<space> [\s`]+ )
    | (?P<long_overlay> \(&|&\)|&& )
    | (?P<slur> \.?\((?![0-9])|\) )
    | (?P<rest> [zx] (?P<rest_length>{_LENGTH}) )
    | (?P<tuplet> \(\d{{1,2}} (?: :\d{{0,2}} (?: :\d{{0,2}} )? )? )
    | (?P<broken> >{{1,3}}|<{{1,3}} )
    | (?P<tie> \.?- )
    | (?P<field> \[[A-Za-z]:[^\]]*\] )
    | (?P<ending> \[\d[\d,.-]* )
    | (?P<chord> \[ (?P<members>[^\[\]|]*) \] (?P<chord_length>{_LENGTH}) )
    | (?P<grace> \{{[^}}]*\}} )
    | (?P<quoted> "[^"]*" )
    | (?P<plus_chord> \+(?!f{{1,4}}\+) (?P<plus_members> (?:{_NOTE}|[\s-])+ ) \+ (?P<plus_length>{_LENGTH}) )
    | (?P<decoration> [.~{DEFINED_LETTERS}] | ![A-Za-z0-9<>()^/.,+#~\-]+! | \+[A-Za-z0-9<>().]+\+ )
    | (?P<undefined> [H-Wh-w] )
    | (?P<line_break> !|\\\s*(?:%.*)?$|\$ )
    | (?P<reserved> [\#*;?@] )
    | (?P<comment> %.* )
    | (?P<many_rests> [ZX]\d{{0,3}} )
    | (?P<spacer> y\d* )
    | (?P<overlay> & )
    """,
    re.VERBOSE,
)

_UNCLOSED = {"[": "chord", "{": "grace note group", '"': "chord symbol"}

ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
SIGN_OF_ALTER = {alter: sign for sign, alter in ACCIDENTALS.items()}


@lru_cache(maxsize=1024)
def natural_pitch(letter: str) -> int:
    """Return the MIDI pitch of a letter with its octave marks: ``C`` is 60, ``c`` 72, ``C,`` 48."""
    pitch = PITCH_CLASS_OF_LETTER[letter[0].upper()] + (72 if letter[0].islower() else 60)
    return pitch + 12 * (letter.count("'") - letter.count(","))


@lru_cache(maxsize=1024)
def note_length(text: str) -> Fraction:
    """Return a note's length in unit note lengths, ``/`` being 1/2 and ``//`` 1/4; ReadError if it is 0."""
    head, slash, _ = text.partition("/")
    length = Fraction(int(head or 1))
    for slashes, number in re.findall(r"(/+)(\d*)", text[len(head) :] if slash else ""):
        if number and not int(number):
            raise ReadError(f"the note length {quoted(text)} divides by zero")
        length /= 2 ** (len(slashes) - 1) * int(number or 2)
    if not length:
        raise ReadError(f"the note length {quoted(text)} is zero")
    return length


@lru_cache(maxsize=256)
def endings(text: str) -> frozenset[int]:
    """Return the passes of an ending such as ``1``, ``1,3`` or ``1-3``."""
    passes: set[int] = set()
    for part in re.split(r"[,.]", text):
        first, dash, last = part.partition("-")
        if first.isdigit():
            low, high = int(first[:2]), int(last[:2]) if dash and last[:2].isdigit() else int(first[:2])
            passes.update(range(low, high + 1))
    return frozenset(passes)


def signs(text: str, decorations: str) -> Iterator[re.Match[str]]:
    """Yield the signs of a line without ``decorations`` (letters); ReadError at an unknown character."""
    position, end = 0, len(text)
    while position < end:
        if text[position] == " ":  # a quarter of all signs: faster without a match
            position += 1
            continue
        sign = SIGN.match(text, position)
        if sign:
            position = sign.end()
            yield sign
        elif text[position] in _UNCLOSED:
            raise ReadError(f"the {_UNCLOSED[text[position]]} is not closed: {quoted(text[position:])}")
        elif text[position] in decorations:
            position += 1
        else:
            raise ReadError(f"unknown character {quoted(text[position])} in the music")
