"""Macros of ABC: ornaments that an m: field writes out.

Source: the ABC music standard 2.1, section 9 (macros).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from etude.errors import ReadError
from etude.formats.base import quoted

MAX_MACROS = 100  # of one tune
LONGEST_LINE = 100_000  # after its macros; no line of music has as many characters

_NOTES = "CDEFGABcdefgab"  # n in a target stands for any of them; h to z in its notes for those around it


class Macro(NamedTuple):
    """Text in the music, and the notes that it stands for."""

    target: str
    notes: str


def read_macro(text: str) -> Macro:
    """Return the macro of an m: field, ``~g2 = {a}g{f}g`` or ``~n2 = {o}n{m}n``."""
    target, equals, notes = (part.strip() for part in text.partition("="))
    if not target or not equals:
        raise ReadError(f"the macro {quoted(text)} is not understood")
    return Macro(target, notes)


def expanded(line: str, macros: Sequence[Macro]) -> str:
    """Return a line of music with its macros written out; ReadError if it becomes too long."""
    for macro in macros:
        target = re.escape(macro.target)
        if macro.target[-1].isdigit():
            target += r"(?![\d/])"  # ~g2 does not begin ~g2/
        if "n" in macro.target:
            target = target.replace("n", "([A-Ga-g])", 1)
        line = re.sub(target, partial(_notes_for, macro), line)
        if len(line) > LONGEST_LINE:
            raise ReadError(f"with its macros the line has more than {LONGEST_LINE} characters")
    return line


def _notes_for(macro: Macro, found: re.Match[str]) -> str:
    """Return the notes of a macro; h to z in them are steps from the note that ``n`` stands for."""
    if not found.re.groups:
        return macro.notes
    first = _NOTES.index(found[1]) - ord("n")
    return re.sub("[h-z]", lambda letter: _step(first + ord(letter[0])), macro.notes)


def _step(place: int) -> str:
    """Return the note ``place`` steps above C, with its octave marks."""
    octave, step = divmod(place, 7)
    return _NOTES[step] + "," * -octave if octave < 1 else _NOTES[7 + step] + "'" * (octave - 1)
