"""Automaton of ABC text: header in order, bars that fill the metre, repeats and tuplets complete.

What it accepts is the part of the standard that books of dance tunes keep to: one voice, X, T, other lines
of text, M, L, K, then the music. Slurs, ties, grace notes, decorations and fields within the tune are left
out, and so are tuplets of unequal notes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from etude.data.readers.abc_fields import read_metre
from etude.sampling.abc_lengths import TUPLET_TIME, Lengths
from etude.sampling.grammar import ENDLESS

LONGEST_TEXT = 60  # letters of a title or another line of text
MOST_LINES = 6  # lines of text in a header
MOST_IN_CHORD = 4  # notes
MOST_IN_ENDING = 4  # bars of a first ending; a network that was never shown its end finds none
METRES = ("C", "C|", "2/4", "3/4", "4/4", "5/4", "6/4", "2/2", "3/2", "3/8", "6/8", "9/8", "12/8")
UNITS = ("1/4", "1/8", "1/16")
TONICS = ("C", "D", "E", "F", "G", "A", "B", "Bb", "Eb", "Ab", "Db", "Gb", "F#", "C#", "G#")
MODES = (
    "", "m", *(f"{space}{mode}" for space in ("", " ") for mode in (
        "Major", "Minor", "Dorian", "Phrygian", "Lydian", "Mixolydian", "Locrian", "Aeolian", "Ionian",
        "major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian", "maj", "min", "dor", "phr",
        "lyd", "mix", "loc", "Maj", "Min", "Dor", "Phr", "Lyd", "Mix", "Loc",
    )),
)  # fmt: skip
KEYS = tuple(tonic + mode for tonic in TONICS for mode in MODES)
TEXT_FIELDS = "ABCDFGHNORSZ"
# in the music, letters that do the same as another, and all others that mean something
ALIKE = {**dict.fromkeys("DEFGAB", "C"), **dict.fromkeys("defgab", "c")}
SIGNS = frozenset("Ccz^_=,'0123456789/()[]<>|: !\n")


class Header(NamedTuple):
    """Within the header: ``line`` is what has been read of a line whose values are known.

    ``part``: which line comes next or goes on; ``lines`` and ``letters`` count lines of text, and the
    letters of the present one.
    """

    part: str = "X"  # X, T, text, L, K
    line: str = ""
    lines: int = 0
    letters: int = 0
    metre: str = ""
    unit: str = ""


class Body(NamedTuple):
    """Within the music. Times are in quarters of the unit note length.

    ``kind`` is what was read last: "after" a note, a "space", "bar" (``|``), "joint" (a sign that ends a
    section), "line" (a line end), "open" (the ``|`` of ``|:``), ":" and so on; "note" is one whose length
    may go on, with ``octaves`` left to mark and ``length`` as spelt so far.
    """

    bar: int  # length of a full bar
    kind: str = "line"
    at: int = 0  # time in the bar
    pickup: int = -1  # of this section: time in its first, short bar, 0 if that is full, -1 while it goes on
    repeat: bool = False  # a |: is open
    ending: int = 0  # 1 within a first ending, 2 within a second
    bars_left: int = 0  # of a first ending, after this bar
    noted: bool = False  # there has been a note
    may_end: bool = False
    must_end: bool = False
    octaves: int = 0  # positive: apostrophes, negative: commas that may follow
    length: str = ""
    left: int = 0  # notes to come of a tuplet
    written: int = 0  # length that the next note must have, in a tuplet or after > or <
    chord: int = 0  # notes of the chord that is open

    @property
    def last(self) -> int:
        """Time of the section's last bar."""
        return self.bar - max(self.pickup, 0)

    @property
    def room(self) -> int:
        """Time of the present bar: all of it, or that of the last one where no other may follow."""
        return self.last if self.ending == 1 and not self.bars_left else self.bar


END = "end"
ENDING = "ending"  # the text is over, and its empty line half written

State = Header | Body | str


class AbcAutomaton:
    """Reads one tune letter by letter; the terminator is the line end, two of them end the piece."""

    start: Hashable = Header()

    def __init__(self, letters: Sequence[str]) -> None:
        self._letters = tuple(letters)
        self._lengths = Lengths(letters)
        known = set(letters)
        self._values = {
            "M:": _spelt(METRES, known), "L:": _spelt(UNITS, known), "K:": _spelt(KEYS, known)
        }  # fmt: skip
        self._begun = {
            field: {value[:end] for value in values for end in range(len(value) + 1)}
            for field, values in self._values.items()
        }
        self.cost = cache(self._cost)
        self._remembered: Hashable = None
        self._after: dict[str, State | None] = {}

    def step(self, state: Hashable, token: int) -> Hashable | None:
        """Return the state after a letter, None if it is illegal."""
        if state is not self._remembered:  # a state is asked for all letters in turn, and many are alike
            self._remembered, self._after = state, {}
        letter = _alike(state, self._letters[token])
        if letter not in self._after:
            after = self.read(state, letter)
            # what can never be completed, for want of letters or of room, is illegal too
            self._after[letter] = after if after is not None and self.cost(after) < ENDLESS else None
        return self._after[letter]

    def after_mistake(self, state: Hashable, token: int) -> Hashable | None:
        """Return None: what follows broken text has no bars to fill."""
        return None

    def read(self, state: Hashable, letter: str) -> State | None:
        """Return the state after a letter, complete or not, None if it is illegal."""
        if isinstance(state, Header):
            return self._read_header(state, letter)
        if isinstance(state, Body):
            return self._read_body(state, _alike(state, letter))
        return END if letter == "\n" else None  # ENDING, and END itself

    # -- header ------------------------------------------------------------------------------------------

    def _read_header(self, state: Header, letter: str) -> State | None:
        if len(state.line) < 2:
            return self._read_field_name(state, letter)
        field = state.line[:2]
        if field in self._values:
            return self._read_value(state, field, state.line[2:], letter)
        if letter == "\n":
            part = "T" if field == "X:" else "text"
            return Header(part=part, lines=state.lines + (field != "X:")) if state.letters else None
        if field == "X:":
            fits = letter.isdigit() and state.letters < 5
        else:  # a line that goes on with the latter signs would be a note and a bar line
            fits = letter.isprintable() and state.letters < LONGEST_TEXT
            if letter == " " and not state.letters:  # one, before the text itself
                return state._replace(line=f"{state.line} ") if state.line == field else None
            fits = fits and (state.letters > 0 or letter not in "%|:]")
        return state._replace(letters=state.letters + 1) if fits else None

    def _read_field_name(self, state: Header, letter: str) -> State | None:
        if state.line:
            return state._replace(line=f"{state.line}:") if letter == ":" else None
        wanted = {"X": "X", "T": "T", "text": f"{TEXT_FIELDS}M", "L": "L", "K": "K"}[state.part]
        if letter not in wanted or (letter in TEXT_FIELDS and state.lines == MOST_LINES):
            return None
        return state._replace(line=letter)

    def _read_value(self, state: Header, field: str, value: str, letter: str) -> State | None:
        if letter != "\n":
            line = value + letter
            return state._replace(line=field + line) if line in self._begun[field] else None
        if value not in self._values[field]:
            return None
        if field == "M:":
            return Header(part="L", metre=value)
        if field == "L:":
            return Header(part="K", metre=state.metre, unit=value)
        return Body(bar=_bar(state.metre, state.unit))

    # -- music -------------------------------------------------------------------------------------------

    def _read_body(self, state: Body, letter: str) -> State | None:
        return _READERS[state.kind](self, state, letter)

    def _sound_begins(self, state: Body, letter: str) -> Body | None:
        """Begin a note, a rest, a chord or a tuplet at ``state``, which is between two of them."""
        if state.must_end or letter not in "Ccz^_=[(" or (state.at == state.room and not state.left):
            return None
        state = state._replace(may_end=False)
        if letter in "^_=":
            return state._replace(kind="accidental")
        if letter == "[":
            return state._replace(kind="[")
        if letter == "(":
            return None if state.left or state.written else state._replace(kind="(")
        return self._head(state, letter)

    def _head(self, state: Body, letter: str) -> Body:
        octaves = 0 if letter == "z" else 1 if letter.islower() else -1
        return state._replace(kind="note", octaves=octaves, length="", noted=state.noted or letter != "z")

    def _after_accidental(self, state: Body, letter: str) -> Body | None:
        return self._head(state, letter) if letter in "Cc" else None

    def _in_chord(self, state: Body, letter: str) -> Body | None:
        if letter in "^_=" and state.chord < MOST_IN_CHORD:
            return state._replace(kind="[^", octaves=0, chord=state.chord + 1)
        if letter in "Cc" and (state.kind == "[^" or state.chord < MOST_IN_CHORD):
            chord = state.chord + (state.kind != "[^")
            return state._replace(kind="[A", octaves=1 if letter.islower() else -1, chord=chord)
        if state.kind == "[A" and letter in "',":
            return state._replace(octaves=0) if state.octaves == (1 if letter == "'" else -1) else None
        if state.kind == "[A" and letter == "]":
            return self._closed_chord(state)
        return None

    def _in_chord_accidental(self, state: Body, letter: str) -> Body | None:
        return self._in_chord(state, letter) if letter in "Cc" else None

    def _after_tuplet_sign(self, state: Body, letter: str) -> Body | None:
        if not letter.isdigit() or int(letter) not in TUPLET_TIME:
            return None
        return state._replace(kind="tuplet", left=int(letter))

    def _in_tuplet(self, state: Body, letter: str) -> Body | None:
        return self._sound_begins(state, letter)

    def _after_broken(self, state: Body, letter: str) -> Body | None:
        return self._sound_begins(state, letter)

    def _in_note(self, state: Body, letter: str) -> State | None:
        if letter in ",'":
            mark = 1 if letter == "'" else -1
            if state.length or state.octaves * mark <= 0:
                return None
            return state._replace(octaves=state.octaves - mark)
        longer = state.length + letter
        if any(self._fits(state, text) for text in self._lengths.begun_by(longer)):
            return state._replace(length=longer, octaves=0)
        done = self._done(state, state.length)
        if done is None:
            return None
        if letter in "<>":
            written = self._lengths.spelt[state.length]
            alone = not state.left and not state.written
            fits = alone and written <= state.room - done.at
            return done._replace(kind="broken", written=written) if fits else None
        return self._read_body(done, letter)

    def _fits(self, state: Body, text: str) -> bool:
        return self._done(state, text) is not None

    def _done(self, state: Body, text: str) -> Body | None:
        """Return the state after the note in progress, spelt with the length ``text``; None if it may not."""
        written = self._lengths.spelt.get(text)
        if written is None or (state.written and written != state.written):
            return None
        after = state._replace(kind="after", octaves=0, length="", written=0)
        time = written
        if state.left:  # a tuplet takes its time with its first note
            left = state.left - 1
            after = after._replace(
                left=left, kind="tuplet" if left else "after", written=written if left else 0
            )
            time = 0 if state.written else written * TUPLET_TIME[state.left]
        room = state.room - state.at - (not state.noted)  # no bar has rests alone before there is a note
        return after._replace(at=state.at + time) if time <= room else None

    def _after_note(self, state: Body, letter: str) -> State | None:
        if letter == " ":
            return state._replace(kind="space") if state.kind == "after" else None
        if letter in "|:":
            return self._bar_line(state, letter)
        return self._sound_begins(state, letter)

    def _bar_line(self, state: Body, letter: str) -> Body | None:
        if not state.noted:
            return None
        is_first, is_full = state.pickup < 0, state.at == state.bar
        closes = state.at == state.last
        if letter == ":":
            return state._replace(kind=":", at=0) if closes and state.ending != 2 else None
        # a first ending goes on to the second, what is to be repeated to its sign
        closable = closes and state.ending != 1 and not state.repeat
        is_over = state.ending == 1 and not state.bars_left
        if is_over or not (is_full or is_first or closable):
            return None
        return state._replace(
            kind="bar" if closable else "plain bar",
            at=0,
            bars_left=max(state.bars_left - 1, 0),
            pickup=(0 if is_full else state.at) if is_first else state.pickup,
            may_end=closable,
            must_end=closable and not is_full,
        )

    def _after_bar(self, state: Body, letter: str) -> State | None:
        """Go on after ``|``: a double bar, an ending, a space, a line end, the next bar."""
        if state.kind == "bar" and letter in "|]":
            return self._joint(state)
        if state.kind == "bar" and letter == ":":
            return self._joint(state)._replace(kind="repeat", repeat=True, may_end=False)
        if letter == "1" and self._may_begin_ending(state):
            return _first_ending(state)
        return self._after_bar_sign(state, letter)

    def _may_begin_ending(self, state: Body) -> bool:
        return not state.ending and state.pickup >= 0 and not state.must_end

    def _after_bracket(self, state: Body, letter: str) -> State | None:
        """Read what follows a ``[`` where a bar begins: the number of an ending, or a chord."""
        if letter == "1":
            return _first_ending(state)
        return self._in_chord(state._replace(kind="["), letter)

    def _after_bar_sign(self, state: Body, letter: str) -> State | None:
        if letter == " ":
            return state._replace(kind="bar space")
        if letter == "!":
            return state._replace(kind="!")
        return self._new_bar(state, letter)

    def _new_bar(self, state: Body, letter: str) -> State | None:
        if letter == "\n":
            return state._replace(kind="line")
        if letter == "|" and state.pickup < 0 and not state.repeat:
            return state._replace(kind="open", may_end=False)
        if letter == "[" and self._may_begin_ending(state):
            return state._replace(kind="|[", may_end=False)
        return self._sound_begins(state, letter)

    def _after_ending(self, state: Body, letter: str) -> State | None:
        return state._replace(kind="repeat") if letter == " " else self._sound_begins(state, letter)

    def _joint(self, state: Body) -> Body:
        """Return the state after a sign that ends a section."""
        return Body(bar=state.bar, kind="joint", noted=state.noted, may_end=True)

    def _after_colon(self, state: Body, letter: str) -> Body | None:
        if state.ending == 1:
            return state._replace(kind=":|") if letter == "|" else None
        if letter == ":":
            return self._joint(state)._replace(kind="repeat", repeat=True, may_end=False)
        return self._joint(state) if letter == "|" else None

    def _after_first_ending(self, state: Body, letter: str) -> Body | None:
        """Read what follows the ``:|`` of a first ending: the second, on a new line or not."""
        if letter in "[ \n!":
            kinds = {
                ":|": {"[": ":|[", " ": ":|\n", "\n": ":|\n", "!": ":|!"},
                ":|\n": {"[": ":|["},
                ":|!": {"\n": ":|\n"},
            }
            kind = kinds.get(state.kind, {}).get(letter)
            return None if kind is None else state._replace(kind=kind)
        is_second = letter == "2" and state.kind in (":|", ":|[")
        return state._replace(kind="ending", ending=2, bars_left=0, repeat=False) if is_second else None

    def _after_open(self, state: Body, letter: str) -> Body | None:
        return state._replace(kind="repeat", repeat=True) if letter == ":" else None

    def _after_bang(self, state: Body, letter: str) -> Body | None:
        return state._replace(kind="line") if letter == "\n" else None

    def _at_line(self, state: Body, letter: str) -> State | None:
        if letter == "\n":
            return END if state.may_end else None
        return self._new_bar(state, letter) if letter != " " else None

    # -- what is lacking ---------------------------------------------------------------------------------

    def _cost(self, state: State) -> int:
        if isinstance(state, Header):
            return self._header_cost(state)
        return self._body_cost(state) if isinstance(state, Body) else 0

    def _header_cost(self, state: Header) -> int:
        shortest = {field: min(map(len, values), default=ENDLESS) for field, values in self._values.items()}
        lines = {"X:": 4, "T:": 4, **{field: 3 + letters for field, letters in shortest.items()}}
        order = list(lines)
        field = (state.line + ":")[:2] if state.line else ""
        body = min(
            (self._cost(Body(bar=_bar(metre, unit))) for metre in _given(state, "M:", self._values["M:"])
             for unit in _given(state, "L:", self._values["L:"])),
            default=ENDLESS,
        )  # fmt: skip
        if not field:
            rest = {"X": 0, "T": 1, "text": 2, "L": 3, "K": 4}[state.part]
            return sum(lines[name] for name in order[rest:]) + body
        if field in self._values:
            value = state.line[2:]
            own = min(
                (len(full) - len(value) for full in self._values[field] if full.startswith(value)),
                default=ENDLESS,
            )
        else:
            own = int(not state.letters)
        rest = order.index(field) + 1 if field in lines else 2
        own += 1 + (len(state.line) == 1)  # the line end, and the colon
        return own + sum(lines[name] for name in order[rest:]) + body

    def _body_cost(self, state: Body) -> int:
        if state.may_end:
            return 0
        match state.kind:
            case "note":
                rest = [
                    len(text) - len(state.length) + self._cost(done)
                    for text in self._lengths.begun_by(state.length)
                    if (done := self._done(state, text)) is not None
                ]
            case "accidental" | "tuplet" | "broken":
                rest = [1 + self._cost(self._head(state, "c"))]
            case "[" | "[^":
                rest = [2 + self._cost(self._closed_chord(state))]
            case "[A":
                rest = [1 + self._cost(self._closed_chord(state))]
            case "(":
                rest = [1 + self._cost(state._replace(kind="tuplet", left=notes)) for notes in TUPLET_TIME]
            case "|[":
                rest = [1 + self._cost(_first_ending(state)), 1 + self._cost(state._replace(kind="[A"))]
            case ":":
                rest = [1 + (self._cost(state._replace(kind=":|")) if state.ending == 1 else 0)]
            case ":|" | ":|[" | ":|\n" | ":|!":
                signs = {":|!": 3, ":|\n": 2}.get(state.kind, 1)
                rest = [
                    signs + self._cost(state._replace(kind="ending", ending=2, bars_left=0, repeat=False))
                ]
            case "open":
                rest = [1 + self._cost(state._replace(kind="repeat", repeat=True))]
            case "!":
                rest = [1 + self._cost(state._replace(kind="line"))]
            case _:
                rest = [self._filling_cost(state)]
        return min(rest, default=ENDLESS)

    def _closed_chord(self, state: Body) -> Body:
        return state._replace(kind="note", octaves=0, length="", noted=True, chord=0)

    def _filling_cost(self, state: Body) -> int:
        """Return the letters that fill the bar (and, after a pickup, one more) and end the section."""
        if 0 < state.at > state.last:  # too late for the last bar, so this one is full
            full_bar = self._lengths.fill(state.bar - state.at) + 1
            return full_bar + self._filling_cost(state._replace(at=0))
        close = 2 if state.repeat else 1
        if state.ending == 1:  # as short as it gets: ":|2" and a bar, then "|"
            close = 3 + self._lengths.fill(state.last) + 1
        return self._lengths.fill(state.last - state.at) + close


_READERS = {
    "note": AbcAutomaton._in_note,
    "after": AbcAutomaton._after_note,
    "space": AbcAutomaton._after_note,
    "accidental": AbcAutomaton._after_accidental,
    "[": AbcAutomaton._in_chord,
    "[A": AbcAutomaton._in_chord,
    "[^": AbcAutomaton._in_chord_accidental,
    "(": AbcAutomaton._after_tuplet_sign,
    "tuplet": AbcAutomaton._in_tuplet,
    "broken": AbcAutomaton._after_broken,
    "bar": AbcAutomaton._after_bar,
    "plain bar": AbcAutomaton._after_bar,
    "|[": AbcAutomaton._after_bracket,
    "bar space": AbcAutomaton._new_bar,
    "joint": AbcAutomaton._after_bar_sign,
    "repeat": AbcAutomaton._sound_begins,
    "ending": AbcAutomaton._after_ending,
    ":": AbcAutomaton._after_colon,
    ":|": AbcAutomaton._after_first_ending,
    ":|[": AbcAutomaton._after_first_ending,
    ":|\n": AbcAutomaton._after_first_ending,
    ":|!": AbcAutomaton._after_first_ending,
    "open": AbcAutomaton._after_open,
    "!": AbcAutomaton._after_bang,
    "line": AbcAutomaton._at_line,
}


def _first_ending(state: Body) -> Body:
    return state._replace(kind="ending", ending=1, bars_left=MOST_IN_ENDING - 1, may_end=False)


def _spelt(values: Iterable[str], letters: set[str]) -> list[str]:
    return [value for value in values if letters.issuperset(value)]


def _alike(state: object, letter: str) -> str:
    """Return a letter that does the same in this state."""
    if isinstance(state, Body):
        return ALIKE.get(letter, letter) if letter in ALIKE or letter in SIGNS else "?"
    if isinstance(state, Header) and len(state.line) > 1 and state.line[0] in f"{TEXT_FIELDS}T":
        return "a" if letter.isprintable() and letter not in " %|:]" else letter
    return letter


def _given(state: Header, field: str, values: list[str]) -> list[str]:
    """Return the values that a field may still have."""
    known = state.metre if field == "M:" else state.unit
    if known:
        return [known]
    if state.line.startswith(field):
        return [value for value in values if value.startswith(state.line[2:])]
    return values


@cache
def _bar(metre: str, unit: str) -> int:
    """Return the length of a bar in quarters of the unit note length."""
    read = read_metre(metre)
    assert read is not None
    return int(read.quarters / (4 * Fraction(unit)) * 4)
