"""Automaton of ABC text: header in order, bars that fill the metre, repeats and tuplets complete.

It accepts the part of the standard that books of dance tunes use: one voice; X, T, other lines of text, M, L
and K; then the music. Slurs, ties, grace notes, decorations, fields within the tune and tuplets of unequal
notes are illegal.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cache

from etude.sampling.grammars.abc_body import BodyRules
from etude.sampling.grammars.abc_body_state import BodyState
from etude.sampling.grammars.abc_header import HeaderRules, HeaderState
from etude.sampling.grammars.base import IMPOSSIBLE

AbcState = HeaderState | BodyState


class AbcAutomaton:
    """Automaton of one tune, by letter; the terminator is the line end, and two of them end the piece."""

    start: Hashable = HeaderState()

    def __init__(self, letters: Sequence[str]) -> None:
        self._letters = tuple(letters)
        self._header = HeaderRules(letters)
        self._body = BodyRules(letters)
        self.cost = cache(self._cost)
        self._last_state: Hashable = None
        self._last_answers: dict[str, AbcState | None] = {}

    def step(self, state: Hashable, token: int) -> Hashable | None:
        """Return the state after a letter, None if it is illegal."""
        if state is not self._last_state:  # all letters are tried on one state, and many have one effect
            self._last_state, self._last_answers = state, {}
        letter = self._letters[token]
        if isinstance(state, HeaderState):
            letter = self._header.canonical(state, letter)
        else:
            letter = self._body.canonical(letter)
        if letter not in self._last_answers:
            after = self._read(state, letter)
            # a state that lacks the letters or the room for an end is illegal too
            can_end = after is not None and self.cost(after) < IMPOSSIBLE
            self._last_answers[letter] = after if can_end else None
        return self._last_answers[letter]

    def after_mistake(self, state: Hashable, token: int) -> Hashable | None:
        """Return None: after an illegal letter, there are no bars to fill."""
        return None

    def _read(self, state: Hashable, letter: str) -> AbcState | None:
        if isinstance(state, BodyState):
            return self._body.read(state, letter)
        assert isinstance(state, HeaderState)
        after = self._header.read(state, letter)
        if after is None or after.next_field:
            return after
        [bar] = self._header.bar_lengths(after)
        return BodyState(bar)

    def _cost(self, state: AbcState) -> int:
        if isinstance(state, BodyState):
            return self._body.cost(state)
        bodies = (self._body.cost(BodyState(bar)) for bar in self._header.bar_lengths(state))
        return self._header.cost(state) + min(bodies, default=IMPOSSIBLE)
