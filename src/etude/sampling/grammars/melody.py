"""Automaton of the encodings with one token per step or note: grid, note and duration, pitch sets."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

from etude.encodings.grid import HOLD
from etude.encodings.note_duration import REST

Kind = Literal["terminator", "hold", "rest", "note"]


class MelodyAutomaton:
    """No hold before an onset, no rest within a rest, no end before a note.

    ``silence`` is a rest before any note, ``rest`` one after. The same rules fit all three encodings: pitch
    sets have neither holds nor rests, and note and duration has no holds.
    """

    start: Hashable = "nothing"

    def __init__(self, tokens: Sequence[str], terminator: str) -> None:
        self._kinds = [_kind(token, terminator) for token in tokens]

    def step(self, state: Hashable, token: int) -> Hashable | None:
        """Return the state after a token, None if it is illegal."""
        kind = self._kinds[token]
        if kind == "terminator":
            return "end" if state in ("note", "rest", "end") else None
        if state == "end":
            return None
        if kind == "note":
            return "note"
        if kind == "hold":
            return None if state == "nothing" else state
        return {"nothing": "silence", "note": "rest"}.get(str(state))

    def cost(self, state: Hashable) -> int:
        """Return 1 until there has been a note."""
        return int(state in ("nothing", "silence"))

    def after_mistake(self, state: Hashable, token: int) -> Hashable | None:
        """Return silence for a hold of nothing, as the decoder does; a rest within a rest continues."""
        return "silence" if state == "nothing" else state


def _kind(token: str, terminator: str) -> Kind:
    if token == terminator:
        return "terminator"
    if token == HOLD:
        return "hold"
    return "rest" if token.partition("/")[0] == REST else "note"
