"""Music of an ABC tune, letter by letter: bars that fill the metre, repeats and tuplets complete."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from etude.sampling.grammars.abc_lengths import TUPLET_TIME, Lengths
from etude.sampling.grammars.base import ENDLESS

MOST_IN_CHORD = 4  # notes
MOST_IN_ENDING = 4  # bars of a first ending; a network that was never shown its end finds none
# letters that mean something, each with one that does the same
ALIKE = {
    **dict.fromkeys("CDEFGAB", "C"),
    **dict.fromkeys("cdefgab", "c"),
    **{sign: sign for sign in "z^_=,'0123456789/()[]<>|: !\n"},
}


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

    @property
    def may_begin_ending(self) -> bool:
        """Whether a first ending may begin at this bar line."""
        return not self.ending and self.pickup >= 0 and not self.must_end


END = Body(bar=0, kind="end", may_end=True)


class BodyRules:
    """What may follow in the music, its lengths spelt with the letters of a vocabulary, and what it lacks."""

    def __init__(self, letters: Iterable[str]) -> None:
        self._known = {self.alike(letter) for letter in letters}
        self._lengths = Lengths(letters)
        self.cost = cache(self._cost)

    def alike(self, letter: str) -> str:
        """Return a letter that does the same in every state."""
        return ALIKE.get(letter, "?")

    def read(self, state: Body, letter: str) -> Body | None:
        """Return the state after a letter, complete or not, None if it is illegal."""
        if letter in _PASSES.get(state.kind, {}):
            return state._replace(kind=_PASSES[state.kind][letter])
        reader = _READERS.get(state.kind)
        return None if reader is None else reader(self, state, letter)

    # -- notes -------------------------------------------------------------------------------------------

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
        octaves = 0 if letter == "z" else 1 if letter == "c" else -1
        return state._replace(kind="note", octaves=octaves, length="", noted=state.noted or letter != "z")

    def _after_accidental(self, state: Body, letter: str) -> Body | None:
        return self._head(state, letter) if letter in "Cc" else None

    def _in_chord(self, state: Body, letter: str) -> Body | None:
        if letter in "Cc" and (state.kind == "[^" or state.chord < MOST_IN_CHORD):
            chord = state.chord + (state.kind != "[^")
            return state._replace(kind="[A", octaves=1 if letter == "c" else -1, chord=chord)
        if state.kind == "[^":
            return None
        if letter in "^_=" and state.chord < MOST_IN_CHORD:
            return state._replace(kind="[^", octaves=0, chord=state.chord + 1)
        if state.kind == "[A" and letter in "',":
            return state._replace(octaves=0) if state.octaves == (1 if letter == "'" else -1) else None
        if state.kind == "[A" and letter == "]":
            return state._replace(kind="note", octaves=0, length="", noted=True, chord=0)
        return None

    def _after_tuplet_sign(self, state: Body, letter: str) -> Body | None:
        fits = letter.isdigit() and int(letter) in TUPLET_TIME
        return state._replace(kind="tuplet", left=int(letter)) if fits else None

    def _in_note(self, state: Body, letter: str) -> Body | None:
        if letter in ",'":
            mark = 1 if letter == "'" else -1
            if state.length or state.octaves * mark <= 0:
                return None
            return state._replace(octaves=state.octaves - mark)
        longer = state.length + letter
        if any(self._done(state, text) for text in self._lengths.begun_by(longer)):
            return state._replace(length=longer, octaves=0)
        done = self._done(state, state.length)
        if done is None:
            return None
        if letter not in "<>":
            return self.read(done, letter)
        written = self._lengths.spelt[state.length]
        fits = not state.left and not state.written and written <= state.room - done.at
        return done._replace(kind="broken", written=written) if fits else None

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

    # -- bar lines ---------------------------------------------------------------------------------------

    def _after_note(self, state: Body, letter: str) -> Body | None:
        return self._bar_line(state, letter) if letter in "|:" else self._sound_begins(state, letter)

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

    def _after_bar(self, state: Body, letter: str) -> Body | None:
        """Go on after ``|``: a double bar, a section that is repeated, an ending, the next bar."""
        if state.kind == "bar" and letter in "|]:":
            return self._joint(state, begins_repeat=letter == ":")
        if letter == "1" and state.may_begin_ending:
            return self._first_ending(state)
        return self._new_bar(state, letter)

    def _new_bar(self, state: Body, letter: str) -> Body | None:
        if letter == "|" and state.pickup < 0 and not state.repeat:
            return state._replace(kind="open", may_end=False)
        if letter == "[" and state.may_begin_ending:
            return state._replace(kind="|[", may_end=False)
        return self._sound_begins(state, letter)

    def _at_line(self, state: Body, letter: str) -> Body | None:
        if letter == "\n":
            return END if state.may_end else None
        return self._new_bar(state, letter)

    # -- repeats -----------------------------------------------------------------------------------------

    def _joint(self, state: Body, *, begins_repeat: bool) -> Body:
        """Return the state after a sign that ends a section."""
        kind = "repeat" if begins_repeat else "joint"
        return Body(state.bar, kind, noted=state.noted, repeat=begins_repeat, may_end=not begins_repeat)

    def _after_open(self, state: Body, letter: str) -> Body | None:
        return state._replace(kind="repeat", repeat=True) if letter == ":" else None

    def _after_colon(self, state: Body, letter: str) -> Body | None:
        if state.ending == 1:
            return state._replace(kind=":|") if letter == "|" else None
        return self._joint(state, begins_repeat=letter == ":") if letter in "|:" else None

    def _after_bracket(self, state: Body, letter: str) -> Body | None:
        """Read what follows a ``[`` where a bar begins: the number of an ending, or a chord."""
        return self._first_ending(state) if letter == "1" else self._in_chord(state, letter)

    def _first_ending(self, state: Body) -> Body:
        return state._replace(kind="ending", ending=1, bars_left=MOST_IN_ENDING - 1, may_end=False)

    def _second_ending(self, state: Body, letter: str) -> Body | None:
        fits = letter == "2" and state.kind in (":|", ":|[")
        return state._replace(kind="ending", ending=2, bars_left=0, repeat=False) if fits else None

    # -- what is lacking ---------------------------------------------------------------------------------

    def _cost(self, state: Body) -> int:
        if state.may_end:
            return 0
        if state.kind == "note":
            return min(
                (len(text) - len(state.length) + self.cost(done)
                 for text in self._lengths.begun_by(state.length)
                 if (done := self._done(state, text)) is not None),
                default=ENDLESS,
            )  # fmt: skip
        if state.kind not in _ONWARD:
            return self._filling_cost(state)
        after = (self.read(state, letter) for letter in _ONWARD[state.kind] if letter in self._known)
        return 1 + min((self.cost(each) for each in after if each is not None), default=ENDLESS)

    def _filling_cost(self, state: Body) -> int:
        """Return the letters that fill the bar (and, after a pickup, one more) and end the section."""
        if 0 < state.at > state.last:  # too late for the last bar, so this one is full
            full_bar = self._sounding(state, state.bar - state.at) + self._spelt("|")
            return full_bar + self._filling_cost(state._replace(at=0))
        close = self._spelt(":|" if state.repeat else "|")
        if state.ending == 1:  # as short as it gets: ":|2" and a bar, then "|"
            close = self._spelt(":|2") + self._sounding(state, state.last) + self._spelt("|")
        return self._sounding(state, state.last - state.at) + close

    def _sounding(self, state: Body, time: int) -> int:
        """Return the letters of the shortest notes that fill a time, or rests once there has been a note."""
        heads = "Ccz" if state.noted else "Cc"
        return self._lengths.fill(time) if not time or self._known.intersection(heads) else ENDLESS

    def _spelt(self, signs: str) -> int:
        return len(signs) if self._known.issuperset(signs) else ENDLESS


# what follows each kind: letters that change nothing else, then readers of all others
_BAR_SIGN = {" ": "bar space", "!": "!", "\n": "line"}
_PASSES = {
    "after": {" ": "space"},
    "bar": _BAR_SIGN,
    "plain bar": _BAR_SIGN,
    "joint": _BAR_SIGN,
    "bar space": {"\n": "line"},
    "ending": {" ": "repeat"},
    ":|": {"[": ":|[", " ": ":|\n", "\n": ":|\n", "!": ":|!"},
    ":|\n": {"[": ":|["},
    ":|!": {"\n": ":|\n"},
    "!": {"\n": "line"},
    "end": {"\n": "end"},
}
_READERS = {
    "note": BodyRules._in_note,
    "after": BodyRules._after_note,
    "space": BodyRules._after_note,
    "accidental": BodyRules._after_accidental,
    "[": BodyRules._in_chord,
    "[A": BodyRules._in_chord,
    "[^": BodyRules._in_chord,
    "(": BodyRules._after_tuplet_sign,
    "tuplet": BodyRules._sound_begins,
    "broken": BodyRules._sound_begins,
    "bar": BodyRules._after_bar,
    "plain bar": BodyRules._after_bar,
    "|[": BodyRules._after_bracket,
    "bar space": BodyRules._new_bar,
    "joint": BodyRules._new_bar,
    "repeat": BodyRules._sound_begins,
    "ending": BodyRules._sound_begins,
    ":": BodyRules._after_colon,
    ":|": BodyRules._second_ending,
    ":|[": BodyRules._second_ending,
    "open": BodyRules._after_open,
    "line": BodyRules._at_line,
}
# letters of which one is on the shortest way to the end, where that is not to fill the bar
_ONWARD = {
    "accidental": "cC", "tuplet": "cCz", "broken": "cCz", "[": "cC", "[^": "cC", "[A": "]", "|[": "1cC",
    "(": "".join(map(str, TUPLET_TIME)), "open": ":", ":": "|", ":|": "2", ":|[": "2", ":|\n": "[",
    ":|!": "\n", "!": "\n",
}  # fmt: skip
