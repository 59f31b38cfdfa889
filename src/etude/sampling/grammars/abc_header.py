"""Rules for the header of an ABC tune: X, T, other lines of text, M, L, K, in this order."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from etude.formats.abc.information_fields import MOST_ACCIDENTALS, read_key, read_metre
from etude.sampling.grammars.base import IMPOSSIBLE

LONGEST_NUMBER = 5  # digits of X
LONGEST_TEXT = 60  # letters of a title or another line of text
MOST_LINES = 6  # lines of text in a header
METRES = ("C", "C|", "2/4", "3/4", "4/4", "5/4", "6/4", "2/2", "3/2", "3/8", "6/8", "9/8", "12/8")
UNITS = ("1/4", "1/8", "1/16")
TONICS = ("C", "D", "E", "F", "G", "A", "B", "Bb", "Eb", "Ab", "Db", "Gb", "F#", "C#", "G#")
MODE_NAMES = (
    "", "m", *(f"{space}{mode}" for space in ("", " ") for mode in (
        "Major", "Minor", "Dorian", "Phrygian", "Lydian", "Mixolydian", "Locrian", "Aeolian", "Ionian",
        "major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian", "maj", "min", "dor", "phr",
        "lyd", "mix", "loc", "Maj", "Min", "Dor", "Phr", "Lyd", "Mix", "Loc",
    )),
)  # fmt: skip
KEY_NAMES = tuple(
    name
    for name in (tonic + mode for tonic in TONICS for mode in MODE_NAMES)
    if (key := read_key(name).key) and abs(key.fifths) <= MOST_ACCIDENTALS
)
FIELD_ORDER = "XTMLK"  # fields that every header has
TEXT_FIELDS = "ABCDFGHNORSZ"  # fields that may stand before M
NO_TEXT_BEGINS = "%|:]"  # after a field, % is a comment; the others read as a note and a bar line


class HeaderState(NamedTuple):
    """A place in the header.

    ``next_field`` is the field that must come next, "" where the header is complete. ``line`` is the present
    line as far as it was read; of a line of text, only its field. ``lines`` and ``letters`` count lines of
    text, and the letters of the present one.
    """

    next_field: str = "X"
    line: str = ""
    lines: int = 0
    letters: int = 0
    metre: str = ""
    unit: str = ""


class HeaderRules:
    """Steps and costs of the states, with the letters that a vocabulary has."""

    def __init__(self, letters: Iterable[str]) -> None:
        known = set(letters)
        self._values = {
            field: [value for value in values if known.issuperset(value)]
            for field, values in {"M": METRES, "L": UNITS, "K": KEY_NAMES}.items()
        }
        self._prefixes = {
            field: {value[:end] for value in values for end in range(len(value) + 1)}
            for field, values in self._values.items()
        }
        digits = [letter for letter in known if letter.isdigit()]
        self._shortest_value = {  # letters of a value
            field: min(map(len, values), default=IMPOSSIBLE) if known.issuperset(f"{field}:") else IMPOSSIBLE
            for field, values in {"X": digits, "T": ["T"], **self._values}.items()
        }

    def canonical(self, state: HeaderState, letter: str) -> str:
        """Return a letter with the same effect in this state."""
        is_text = len(state.line) > 1 and state.line[0] in f"T{TEXT_FIELDS}"
        return "a" if is_text and letter.isprintable() and letter not in f" {NO_TEXT_BEGINS}" else letter

    def read(self, state: HeaderState, letter: str) -> HeaderState | None:
        """Return the state after a letter, complete or not, None if it is illegal."""
        field, colon, value = state.line[:1], state.line[1:2], state.line[2:]
        if not field:
            may_be_text = state.next_field == "M" and state.lines < MOST_LINES
            fits = letter in state.next_field + (TEXT_FIELDS if may_be_text else "")
        elif not colon:
            fits = letter == ":"
        elif field in self._values:
            if letter == "\n":
                return _after_value(state, field, value) if value in self._values[field] else None
            fits = value + letter in self._prefixes[field]
        else:
            return _read_text(state, field, letter)
        return state._replace(line=state.line + letter) if fits else None

    def cost(self, state: HeaderState) -> int:
        """Return the number of letters that complete the header; IMPOSSIBLE or more if none do."""
        if not state.line:
            return self._cost_from(FIELD_ORDER.index(state.next_field))
        field, value = state.line[0], state.line[2:]
        if field in self._values:
            own = min(map(len, self._possible_values(state, field)), default=IMPOSSIBLE) - len(value)
        else:
            own = 0 if state.letters else self._shortest_value.get(field, 1)
        own += 1 + (len(state.line) == 1)  # the line end, and the colon
        return own + self._cost_from(FIELD_ORDER.index(state.next_field) + (field == state.next_field))

    def bar_lengths(self, state: HeaderState) -> set[int]:
        """Return the lengths that a bar may still have, in quarters of the unit note length."""
        metres = [state.metre] if state.metre else self._possible_values(state, "M")
        units = [state.unit] if state.unit else self._possible_values(state, "L")
        return {_bar_length(metre, unit) for metre in metres for unit in units}

    def _cost_from(self, place: int) -> int:
        # of each field: its letter, a colon, the value, the line end
        return sum(3 + self._shortest_value[field] for field in FIELD_ORDER[place:])

    def _possible_values(self, state: HeaderState, field: str) -> list[str]:
        """Return the values that a field may still have."""
        value = state.line[2:] if state.line[:1] == field else ""
        return [full for full in self._values[field] if full.startswith(value)]


def _read_text(state: HeaderState, field: str, letter: str) -> HeaderState | None:
    if letter == "\n":
        if not state.letters:
            return None
        return HeaderState("T") if field == "X" else HeaderState("M", lines=state.lines + 1)
    if field == "X":
        fits = letter.isdigit() and state.letters < LONGEST_NUMBER
    elif letter == " " and not state.letters:  # one, before the text itself
        return state._replace(line=f"{field}: ") if state.line == f"{field}:" else None
    else:
        fits = letter.isprintable() and state.letters < LONGEST_TEXT
        fits = fits and (state.letters > 0 or letter not in NO_TEXT_BEGINS)
    return state._replace(letters=state.letters + 1) if fits else None


def _after_value(state: HeaderState, field: str, value: str) -> HeaderState:
    if field == "M":
        return HeaderState(next_field="L", metre=value)
    return HeaderState(next_field="K" if field == "L" else "", metre=state.metre, unit=state.unit or value)


@cache
def _bar_length(metre: str, unit: str) -> int:
    read = read_metre(metre)
    assert read is not None
    return int(read.quarters / (4 * Fraction(unit)) * 4)
