"""Grammar: the tokens that may come next, so that a generated piece needs no repair."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

import torch
from torch import Tensor

from etude.errors import EtudeError

IMPOSSIBLE = 2**30  # the cost of a state from which no piece can end
NEVER = 2**62  # more than any number of tokens left


class Grammar(Protocol):
    """An automaton for each row of a batch.

    ``cost`` (B,) is the number of tokens that a row needs before it may end. ``allowed`` never leads to a
    state that costs more than the tokens left, so a piece that uses all its tokens is complete. A row that
    begins with enough tokens always has a legal one.
    """

    @property
    def cost(self) -> Tensor:
        """Tokens that each row (B,) needs at least before it may end."""

    def begin(self, primer: Tensor) -> None:
        """Start anew with the primer (B, n); EtudeError if nothing legal can follow it."""

    def allowed(self, left: int | Tensor) -> Tensor:
        """Return the tokens (B, V) that may come next with ``left`` (one number, or (B,)) tokens to go."""

    def advance(self, ids: Tensor) -> None:
        """Move each row on by its id of (B,), which must be allowed."""


class Automaton(Protocol):
    """States and steps of one row; a :class:`TableGrammar` runs it for many."""

    @property
    def start(self) -> Hashable:
        """The state before the first token."""

    def step(self, state: Hashable, token: int) -> Hashable | None:
        """Return the state after a token, None if the token is illegal there."""

    def cost(self, state: Hashable) -> int:
        """Return the number of tokens before the piece may end; IMPOSSIBLE if it cannot."""

    def after_mistake(self, state: Hashable, token: int) -> Hashable | None:
        """Return the state after an illegal token of a primer, as the decoder repairs it, or None."""


class TableGrammar:
    """An automaton as a table of numbered states, filled in as states are reached: a step is a look-up."""

    def __init__(self, automaton: Automaton, vocabulary_size: int) -> None:
        self._automaton = automaton
        self._numbers: dict[Hashable, int] = {}
        self._states: list[Hashable] = []
        self._explored = 0  # how many states have their row
        self._next = torch.full((64, vocabulary_size), -1)  # (S, V)
        self._needs = torch.full((64, vocabulary_size), NEVER)  # (S, V), needed after each
        self._costs = torch.zeros(64, dtype=torch.long)
        self._is_known = torch.zeros(64, dtype=torch.bool)
        self._state = torch.zeros(0, dtype=torch.long)

    @property
    def cost(self) -> Tensor:
        """Tokens that each row needs before it may end, (B,)."""
        return self._costs[self._state]

    def begin(self, primer: Tensor) -> None:
        """Start anew with the primer (B, n); illegal tokens in it are repaired as by the decoder."""
        numbers: dict[tuple[int, ...], int] = {}
        rows = [tuple(row) for row in primer.tolist()]
        for row in set(rows):
            state = self._automaton.start
            for place, token in enumerate(row):
                after = self._automaton.step(state, token)
                if after is None:
                    after = self._automaton.after_mistake(state, token)
                if after is None:
                    raise EtudeError(
                        f"the primer breaks the rules of its encoding at token {place + 1}, so no "
                        "well-formed piece begins with it; sampling.grammar=false samples without rules"
                    )
                state = after
            numbers[row] = self._number(state)
        device = primer.device
        self._next, self._costs = self._next.to(device), self._costs.to(device)
        self._needs = self._needs.to(device)
        self._is_known = self._is_known.to(device)
        self._state = torch.tensor([numbers[row] for row in rows], device=device)

    def allowed(self, left: int | Tensor) -> Tensor:
        """Return the tokens (B, V) that lead to a state from which ``left - 1`` tokens are enough."""
        self._explore()
        room = left - 1 if isinstance(left, int) else (left - 1)[:, None]
        # Not index_select: the state of a row that has ended may be -1, and its tokens no longer count.
        return self._needs[self._state] <= room  # (B, V)

    def advance(self, ids: Tensor) -> None:
        """Move each row on by its id of (B,)."""
        self._state = self._next[self._state, ids]

    def _number(self, state: Hashable) -> int:
        if state not in self._numbers:
            number = self._numbers[state] = len(self._states)
            self._states.append(state)
            if number == len(self._costs):
                self._grow()
            self._costs[number] = self._automaton.cost(state)
        return self._numbers[state]

    def _grow(self) -> None:
        self._next = torch.cat([self._next, torch.full_like(self._next, -1)])
        self._needs = torch.cat([self._needs, torch.full_like(self._needs, NEVER)])
        self._costs = torch.cat([self._costs, torch.zeros_like(self._costs)])
        self._is_known = torch.cat([self._is_known, torch.zeros_like(self._is_known)])

    def _explore(self) -> None:
        """Fill in the rows of the states that were reached for the first time."""
        if self._explored == len(self._states):
            return
        known = self._is_known[self._state]
        if bool(known.all()):
            return
        unknown = torch.unique(self._state[~known]).tolist()
        for number in unknown:
            row = []
            for token in range(self._next.shape[1]):
                after = self._automaton.step(self._states[number], token)
                row.append(-1 if after is None else self._number(after))
            after = torch.tensor(row, device=self._next.device)
            self._next[number] = after
            self._needs[number] = torch.where(after >= 0, self._costs[after.clamp_min(0)], NEVER)
            self._is_known[number] = True
            self._explored += 1
