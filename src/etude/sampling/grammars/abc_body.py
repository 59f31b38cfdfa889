"""Rules for the body of an ABC tune: full bars, complete repeats, endings and tuplets."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from etude.sampling.grammars.abc_body_state import CANONICAL, END, MOST_IN_CHORD, MOST_IN_ENDING, BodyState
from etude.sampling.grammars.abc_lengths import TUPLET_TIME, Lengths
from etude.sampling.grammars.base import IMPOSSIBLE


class BodyRules:
    """Steps and costs of the states, with the letters that a vocabulary has."""

    def __init__(self, letters: Iterable[str]) -> None:
        self._known = {self.canonical(letter) for letter in letters}
        self._lengths = Lengths(letters)
        self.cost = cache(self._cost)

    def canonical(self, letter: str) -> str:
        """Return a letter with the same effect in every state."""
        return CANONICAL.get(letter, "?")

    def read(self, state: BodyState, letter: str) -> BodyState | None:
        """Return the state after a letter, complete or not, None if it is illegal."""
        if letter in _PASSES.get(state.kind, {}):
            return state._replace(kind=_PASSES[state.kind][letter])
        reader = _READERS.get(state.kind)
        return None if reader is None else reader(self, state, letter)

    # -- notes -------------------------------------------------------------------------------------------

    def _begin_sound(self, state: BodyState, letter: str) -> BodyState | None:
        """Begin a note, a rest, a chord or a tuplet."""
        is_full = state.elapsed == state.room and not state.tuplet_left
        if state.must_end or is_full or letter not in "Ccz^_=[(":
            return None
        state = state._replace(may_end=False)
        if letter in "^_=":
            return state._replace(kind="accidental")
        if letter == "[":
            return state._replace(kind="[")
        if letter == "(":
            return None if state.tuplet_left or state.required else state._replace(kind="(")
        return self._begin_note(state, letter)

    def _begin_note(self, state: BodyState, letter: str) -> BodyState:
        marks = 0 if letter == "z" else 1 if letter == "c" else -1
        has_note = state.has_note or letter != "z"
        return state._replace(kind="note", octave_marks=marks, length_text="", has_note=has_note)

    def _after_accidental(self, state: BodyState, letter: str) -> BodyState | None:
        return self._begin_note(state, letter) if letter in "Cc" else None

    def _in_chord(self, state: BodyState, letter: str) -> BodyState | None:
        if letter in "Cc" and (state.kind == "[^" or state.chord_notes < MOST_IN_CHORD):
            chord = state.chord_notes + (state.kind != "[^")
            return state._replace(kind="[A", octave_marks=1 if letter == "c" else -1, chord_notes=chord)
        if state.kind == "[^":
            return None
        if letter in "^_=" and state.chord_notes < MOST_IN_CHORD:
            return state._replace(kind="[^", octave_marks=0, chord_notes=state.chord_notes + 1)
        if state.kind == "[A" and letter in "',":
            fits = state.octave_marks == (1 if letter == "'" else -1)
            return state._replace(octave_marks=0) if fits else None
        if state.kind == "[A" and letter == "]":
            return state._replace(kind="note", octave_marks=0, length_text="", has_note=True, chord_notes=0)
        return None

    def _after_tuplet_sign(self, state: BodyState, letter: str) -> BodyState | None:
        fits = letter.isdigit() and int(letter) in TUPLET_TIME
        return state._replace(kind="tuplet", tuplet_left=int(letter)) if fits else None

    def _in_note(self, state: BodyState, letter: str) -> BodyState | None:
        if letter in ",'":
            mark = 1 if letter == "'" else -1
            if state.length_text or state.octave_marks * mark <= 0:
                return None
            return state._replace(octave_marks=state.octave_marks - mark)
        longer = state.length_text + letter
        if any(self._finish_note(state, text) for text in self._lengths.starting_with(longer)):
            return state._replace(length_text=longer, octave_marks=0)
        done = self._finish_note(state, state.length_text)
        if done is None:
            return None
        if letter not in "<>":
            return self.read(done, letter)
        written = self._lengths.known[state.length_text]
        fits = not state.tuplet_left and not state.required and written <= state.room - done.elapsed
        return done._replace(kind="broken", required=written) if fits else None

    def _finish_note(self, state: BodyState, text: str) -> BodyState | None:
        """Return the state after the present note if its length is ``text``; None if that is illegal."""
        written = self._lengths.known.get(text)
        if written is None or (state.required and written != state.required):
            return None
        after = state._replace(kind="after", octave_marks=0, length_text="", required=0)
        time = written
        if state.tuplet_left:  # a tuplet takes its time with its first note
            left = state.tuplet_left - 1
            after = after._replace(
                tuplet_left=left, kind="tuplet" if left else "after", required=written if left else 0
            )
            time = 0 if state.required else written * TUPLET_TIME[state.tuplet_left]
        # until the tune has a note, some room is left for one, so that no bar has only rests
        room = state.room - state.elapsed - (not state.has_note)
        return after._replace(elapsed=state.elapsed + time) if time <= room else None

    # -- bar lines ---------------------------------------------------------------------------------------

    def _after_note(self, state: BodyState, letter: str) -> BodyState | None:
        return self._bar_line(state, letter) if letter in "|:" else self._begin_sound(state, letter)

    def _bar_line(self, state: BodyState, letter: str) -> BodyState | None:
        if not state.has_note:
            return None
        is_first, is_full = state.pickup < 0, state.elapsed == state.full_bar
        closes = state.elapsed == state.last
        if letter == ":":
            return state._replace(kind=":", elapsed=0) if closes and state.ending != 2 else None
        # a first ending goes on to the second one, and a repeat to its sign
        closable = closes and state.ending != 1 and not state.in_repeat
        is_over = state.ending == 1 and not state.ending_bars
        if is_over or not (is_full or is_first or closable):
            return None
        return state._replace(
            kind="bar" if closable else "plain bar",
            elapsed=0,
            ending_bars=max(state.ending_bars - 1, 0),
            pickup=(0 if is_full else state.elapsed) if is_first else state.pickup,
            may_end=closable,
            must_end=closable and not is_full,
        )

    def _after_bar(self, state: BodyState, letter: str) -> BodyState | None:
        """Read what follows ``|``: a double bar, a repeated section, an ending, or the next bar."""
        if state.kind == "bar" and letter in "|]:":
            return self._end_section(state, begins_repeat=letter == ":")
        if letter == "1" and state.may_begin_ending:
            return self._begin_first_ending(state)
        return self._begin_bar(state, letter)

    def _begin_bar(self, state: BodyState, letter: str) -> BodyState | None:
        if letter == "|" and state.pickup < 0 and not state.in_repeat:
            return state._replace(kind="open", may_end=False)
        if letter == "[" and state.may_begin_ending:
            return state._replace(kind="|[", may_end=False)
        return self._begin_sound(state, letter)

    def _at_line(self, state: BodyState, letter: str) -> BodyState | None:
        if letter == "\n":
            return END if state.may_end else None
        return self._begin_bar(state, letter)

    # -- repeats -----------------------------------------------------------------------------------------

    def _end_section(self, state: BodyState, *, begins_repeat: bool) -> BodyState:
        """Return the state after a sign that ends a section."""
        kind = "repeat" if begins_repeat else "section end"
        return BodyState(
            state.full_bar,
            kind,
            has_note=state.has_note,
            in_repeat=begins_repeat,
            may_end=not begins_repeat,
        )

    def _after_open(self, state: BodyState, letter: str) -> BodyState | None:
        return state._replace(kind="repeat", in_repeat=True) if letter == ":" else None

    def _after_colon(self, state: BodyState, letter: str) -> BodyState | None:
        if state.ending == 1:
            return state._replace(kind=":|") if letter == "|" else None
        return self._end_section(state, begins_repeat=letter == ":") if letter in "|:" else None

    def _after_bracket(self, state: BodyState, letter: str) -> BodyState | None:
        """Read what follows a ``[`` where a bar begins: the number of an ending, or a chord."""
        return self._begin_first_ending(state) if letter == "1" else self._in_chord(state, letter)

    def _begin_first_ending(self, state: BodyState) -> BodyState:
        return state._replace(kind="ending", ending=1, ending_bars=MOST_IN_ENDING - 1, may_end=False)

    def _begin_second_ending(self, state: BodyState, letter: str) -> BodyState | None:
        fits = letter == "2" and state.kind in (":|", ":|[")
        return state._replace(kind="ending", ending=2, ending_bars=0, in_repeat=False) if fits else None

    # -- costs -------------------------------------------------------------------------------------------

    def _cost(self, state: BodyState) -> int:
        if state.may_end:
            return 0
        if state.kind == "note":
            return min(
                (len(text) - len(state.length_text) + self.cost(done)
                 for text in self._lengths.starting_with(state.length_text)
                 if (done := self._finish_note(state, text)) is not None),
                default=IMPOSSIBLE,
            )  # fmt: skip
        if state.kind not in _ONWARD:
            return self._section_cost(state)
        after = (self.read(state, letter) for letter in _ONWARD[state.kind] if letter in self._known)
        return 1 + min((self.cost(each) for each in after if each is not None), default=IMPOSSIBLE)

    def _section_cost(self, state: BodyState) -> int:
        """Return the number of letters that fill the bar, or one more after a pickup, and end the section."""
        if 0 < state.elapsed > state.last:  # too late for the last bar, so this one is full
            full_bar = self._fill_cost(state, state.full_bar - state.elapsed) + self._signs_cost("|")
            return full_bar + self._section_cost(state._replace(elapsed=0))
        close = self._signs_cost(":|" if state.in_repeat else "|")
        if state.ending == 1:  # as short as it gets: ":|2" and a bar, then "|"
            close = self._signs_cost(":|2") + self._fill_cost(state, state.last) + self._signs_cost("|")
        return self._fill_cost(state, state.last - state.elapsed) + close

    def _fill_cost(self, state: BodyState, time: int) -> int:
        """Return the number of letters of notes, or of rests once there is a note, that fill a time."""
        heads = "Ccz" if state.has_note else "Cc"
        can_fill = not time or self._known.intersection(heads)
        return self._lengths.fewest_letters(time) if can_fill else IMPOSSIBLE

    def _signs_cost(self, signs: str) -> int:
        return len(signs) if self._known.issuperset(signs) else IMPOSSIBLE


# for each kind of state: letters that change nothing but the kind, and the reader of all others
_BAR_SIGN = {" ": "bar space", "!": "!", "\n": "line"}
_PASSES = {
    "after": {" ": "space"},
    "bar": _BAR_SIGN,
    "plain bar": _BAR_SIGN,
    "section end": _BAR_SIGN,
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
    "tuplet": BodyRules._begin_sound,
    "broken": BodyRules._begin_sound,
    "bar": BodyRules._after_bar,
    "plain bar": BodyRules._after_bar,
    "|[": BodyRules._after_bracket,
    "bar space": BodyRules._begin_bar,
    "section end": BodyRules._begin_bar,
    "repeat": BodyRules._begin_sound,
    "ending": BodyRules._begin_sound,
    ":": BodyRules._after_colon,
    ":|": BodyRules._begin_second_ending,
    ":|[": BodyRules._begin_second_ending,
    "open": BodyRules._after_open,
    "line": BodyRules._at_line,
}
# for the kinds in which the shortest way to the end is not to fill the bar: the letters to try
_ONWARD = {
    "accidental": "cC", "tuplet": "cCz", "broken": "cCz", "[": "cC", "[^": "cC", "[A": "]", "|[": "1cC",
    "(": "".join(map(str, TUPLET_TIME)), "open": ":", ":": "|", ":|": "2", ":|[": "2", ":|\n": "[",
    ":|!": "\n", "!": "\n",
}  # fmt: skip
