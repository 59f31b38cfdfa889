"""Tokens and their ids."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from etude.errors import EtudeError

TERMINATOR = "<end>"  # before, between and after pieces


class Vocabulary:
    """A one-to-one map of tokens to ids: the terminator is 0, the others follow in sorted order.

    The order is that of the published ``StringToIntEncoder``; it depends only on the set of tokens. The
    terminator is a token of its own, or one that an encoding has already (for text, the line end).
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self.id_of = {token: index for index, token in enumerate(self.tokens)}
        if not self.tokens or len(self.id_of) != len(self.tokens):
            raise ValueError("a vocabulary is the terminator, then different tokens")

    @classmethod
    def of(cls, tokens: Iterable[str], terminator: str = TERMINATOR) -> Vocabulary:
        """Return the vocabulary of these tokens, however often each occurs."""
        return cls([terminator, *sorted(set(tokens) - {terminator})])

    @property
    def terminator(self) -> int:
        """Id of the terminator."""
        return 0

    def ids(self, tokens: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the ids, shape (n,); EtudeError names unknown tokens and the nearest known ones."""
        unknown = sorted({token for token in tokens if token not in self.id_of})
        if unknown:
            raise EtudeError("\n".join(self._unknown(token) for token in unknown))
        return np.array([self.id_of[token] for token in tokens], dtype=np.int64)

    def look_up(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of these ids."""
        return [self.tokens[index] for index in ids]

    def _unknown(self, token: str) -> str:
        known = self.tokens[1:]
        if token.isdigit():
            numbers = [other for other in known if other.isdigit()]
            nearest = sorted(numbers, key=lambda other: abs(int(other) - int(token)))[:3]
        else:
            nearest = difflib.get_close_matches(token, known, n=3, cutoff=0.0)
        return f"unknown token {token!r}; the nearest known ones are {' '.join(nearest)}"

    def __len__(self) -> int:
        return len(self.tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    def __hash__(self) -> int:
        return hash(self.tokens)
