"""Automaton of ABC text: header in order, bars that fill the metre, repeats and tuplets complete.

What it accepts is the part of the standard that books of dance tunes keep to: one voice, X, T, other lines
of text, M, L, K, then the music. Slurs, ties, grace notes, decorations and fields within the tune are left
out, and so are tuplets of unequal notes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cache

from etude.sampling.grammars.abc_body import Body, BodyRules
from etude.sampling.grammars.abc_header import Header, HeaderRules
from etude.sampling.grammars.base import ENDLESS

AbcState = Header | Body


class AbcAutomaton:
    """Reads one tune letter by letter; the terminator is the line end, two of them end the piece."""

    start: Hashable = Header()

    def __init__(self, letters: Sequence[str]) -> None:
        self._letters = tuple(letters)
        self._header = HeaderRules(letters)
        self._body = BodyRules(letters)
        self.cost = cache(self._cost)
        self._remembered: Hashable = None
        self._after: dict[str, AbcState | None] = {}

    def step(self, state: Hashable, token: int) -> Hashable | None:
        """Return the state after a letter, None if it is illegal."""
        if state is not self._remembered:  # a state is asked for all letters in turn, and many are alike
            self._remembered, self._after = state, {}
        letter = self._letters[token]
        letter = self._header.alike(state, letter) if isinstance(state, Header) else self._body.alike(letter)
        if letter not in self._after:
            after = self._read(state, letter)
            # what can never be completed, for want of letters or of room, is illegal too
            self._after[letter] = after if after is not None and self.cost(after) < ENDLESS else None
        return self._after[letter]

    def after_mistake(self, state: Hashable, token: int) -> Hashable | None:
        """Return None: what follows broken text has no bars to fill."""
        return None

    def _read(self, state: Hashable, letter: str) -> AbcState | None:
        if isinstance(state, Body):
            return self._body.read(state, letter)
        assert isinstance(state, Header)
        after = self._header.read(state, letter)
        if after is None or after.wanted:
            return after
        [bar] = self._header.bars(after)
        return Body(bar)

    def _cost(self, state: AbcState) -> int:
        if isinstance(state, Body):
            return self._body.cost(state)
        bodies = (self._body.cost(Body(bar)) for bar in self._header.bars(state))
        return self._header.cost(state) + min(bodies, default=ENDLESS)
