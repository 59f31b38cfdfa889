"""Interpolated n-gram models with Witten–Bell smoothing: the baseline that a trained network has to beat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Prediction(NamedTuple):
    """What one order says of each label of some pieces; both arrays (labels,), piece after piece.

    ``nats`` is the negative log-likelihood of the label, ``argmax`` the likeliest token at its place.
    """

    nats: Floats
    argmax: Ids


@dataclass(frozen=True, eq=False)
class NGram:
    """P(token | the ``order − 1`` tokens before it), every order interpolated with the next shorter one.

    P_n(w | h) = (c(h w) + T(h) · P_{n−1}(w | h')) / (c(h) + T(h)), where c counts occurrences, T(h) is the
    number of different tokens seen after h, and h' is h without its oldest token. P_0 is uniform, and a
    context never seen leaves P_{n−1} as it is. Sources: Witten & Bell 1991, method C; the interpolated
    form as in Chen & Goodman 1998, section 2.
    """

    levels: tuple[Level, ...]  # context lengths 0, 1, … order − 1
    vocabulary_size: int
    terminator: int

    @property
    def order(self) -> int:
        """The longest n-gram counted: its last token and ``order − 1`` tokens of context."""
        return len(self.levels)

    @classmethod
    def fit(
        cls,
        pieces: Sequence[Ids],
        order: int,
        vocabulary_size: int,
        terminator: int,
        counted: npt.NDArray[np.bool_] | None = None,
    ) -> NGram:
        """Count the n-grams of ``pieces`` up to ``order``; with ``counted``, (labels,), those labels alone.

        Each piece is a (length,) array of ids below ``vocabulary_size`` and ends with ``terminator``, which
        also stands for all that comes before its first token. ValueError if a piece is not so, if there is
        none, or if ``order`` is below 1.
        """
        if order < 1:
            raise ValueError(f"the order of an n-gram model is at least 1, not {order}")
        stream, places = _padded(pieces, order - 1, vocabulary_size, terminator)
        if counted is not None:
            places = places[counted]
        tokens = stream[places]
        context = np.zeros_like(tokens)
        levels: list[Level] = []
        for length in range(order):
            # A context's id ranks (id of the context one shorter, token further back), so that any length
            # fits one 64-bit key: the ids stay below the number of labels.
            keys = context * vocabulary_size + stream[places - length] if length else context
            contexts, context = np.unique(keys, return_inverse=True)
            shorter = levels[-1] if levels else None
            levels.append(_count(contexts, context * vocabulary_size + tokens, shorter, vocabulary_size))
        return cls(tuple(levels), vocabulary_size, terminator)

    def orders(self, pieces: Sequence[Ids]) -> Iterator[Prediction]:
        """Yield the predictions of order 1, 2, … ``order`` for every label, terminators included.

        One pass gives them all, because a model holds the counts of every shorter one. Pieces, and errors, as
        in ``fit``.
        """
        stream, places = _padded(pieces, self.order - 1, self.vocabulary_size, self.terminator)
        tokens = stream[places]
        probability = np.full(len(tokens), 1 / self.vocabulary_size)
        argmax = np.zeros_like(tokens)
        known = np.arange(len(tokens))  # labels whose context was seen in training, at this length
        context = np.zeros_like(tokens)  # ... and the context's id
        for length, level in enumerate(self.levels):
            if length:
                keys = context * self.vocabulary_size + stream[places[known] - length]
                context, seen = _look_up(level.contexts, keys)
                known, context = known[seen], context[seen]
            probability[known] = level.smooth(
                level.count(context * self.vocabulary_size + tokens[known]), context, probability[known]
            )
            argmax[known] = level.argmax[context]
            yield Prediction(-np.log(probability), argmax.copy())

    def nats(self, pieces: Sequence[Ids]) -> Floats:
        """Return the negative log-likelihood of each label, (labels,), piece after piece."""
        return self._longest(pieces).nats

    def predict(self, pieces: Sequence[Ids]) -> Ids:
        """Return the likeliest token at each label's place, (labels,); of equals, the smallest id."""
        return self._longest(pieces).argmax

    def _longest(self, pieces: Sequence[Ids]) -> Prediction:
        return list(self.orders(pieces))[-1]


@dataclass(frozen=True, eq=False)
class Level:
    """The counts of one context length: C contexts, E events (a context and the token after it)."""

    contexts: Ids  # (C,) ascending keys: id of the context one shorter · vocabulary + token further back
    totals: Ids  # (C,) occurrences of the context
    kinds: Ids  # (C,) different tokens seen after it
    argmax: Ids  # (C,) likeliest next token
    peak: Floats  # (C,) and its probability
    events: Ids  # (E,) ascending keys: context id · vocabulary + token
    counts: Ids  # (E,) occurrences
    probability: Floats  # (E,) smoothed

    def count(self, keys: Ids) -> Ids:
        """Return how often each event was seen, 0 included."""
        event, seen = _look_up(self.events, keys)
        return np.where(seen, self.counts[event], 0)

    def smooth(self, counts: Ids, context: Ids, lower: Floats) -> Floats:
        """Return the probabilities of events seen so often after these contexts."""
        return _witten_bell(counts, self.totals[context], self.kinds[context], lower)


def _count(contexts: Ids, occurrences: Ids, shorter: Level | None, vocabulary_size: int) -> Level:
    events, counts = np.unique(occurrences, return_counts=True)
    owner, token = np.divmod(events, vocabulary_size)  # owner: the event's context id
    starts = np.searchsorted(owner, np.arange(len(contexts)))
    totals = np.add.reduceat(counts, starts)
    kinds = np.diff(starts, append=len(events))
    if shorter is None:
        lower = np.full(len(events), 1 / vocabulary_size)
        heir, heir_peak = np.zeros_like(contexts), np.full(len(contexts), 1 / vocabulary_size)
    else:
        parent = contexts // vocabulary_size
        # Whatever follows a context has followed its shorter form, so the look-up always succeeds.
        event, _ = _look_up(shorter.events, parent[owner] * vocabulary_size + token)
        lower = shorter.probability[event]
        heir, heir_peak = shorter.argmax[parent], shorter.peak[parent]
    probability = _witten_bell(counts, totals[owner], kinds[owner], lower)

    # Unseen tokens keep the shorter context's ranking, so the likeliest token is either one seen here or
    # the shorter context's own likeliest: no distribution over the whole vocabulary is needed.
    peak = np.maximum.reduceat(probability, starts)
    argmax = np.minimum.reduceat(np.where(probability == peak[owner], token, vocabulary_size), starts)
    heir_peak = _witten_bell(np.zeros_like(totals), totals, kinds, heir_peak)
    inherits = (heir_peak > peak) | ((heir_peak == peak) & (heir < argmax))
    argmax, peak = np.where(inherits, heir, argmax), np.maximum(peak, heir_peak)
    return Level(contexts, totals, kinds, argmax, peak, events, counts, probability)


def _witten_bell(counts: Ids, totals: Ids, kinds: Ids, lower: Floats) -> Floats:
    smoothed: Floats = (counts + kinds * lower) / (totals + kinds)
    return smoothed


def _look_up(table: Ids, keys: Ids) -> tuple[Ids, npt.NDArray[np.bool_]]:
    """Return the index of each key in the ascending ``table``, and whether it is there."""
    index = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return index, table[index] == keys


def _padded(pieces: Sequence[Ids], padding: int, vocabulary_size: int, terminator: int) -> tuple[Ids, Ids]:
    """Return one array with ``padding`` terminators before each piece, and the places of the labels in it."""
    if not pieces:
        raise ValueError("n-grams need at least one piece")
    for number, piece in enumerate(pieces):
        if len(piece) == 0 or piece[-1] != terminator:
            raise ValueError(f"piece {number} does not end with the terminator, id {terminator}")
    tokens = np.concatenate(pieces)
    if tokens.min() < 0 or tokens.max() >= vocabulary_size:
        found = f"{tokens.min()} to {tokens.max()}"
        raise ValueError(f"ids run from {found}, but there are {vocabulary_size} tokens in the vocabulary")
    lengths = [len(piece) for piece in pieces]
    places = np.arange(len(tokens)) + padding * np.repeat(np.arange(1, len(pieces) + 1), lengths)
    stream = np.full(len(tokens) + padding * len(pieces), terminator, dtype=np.int64)
    stream[places] = tokens
    return stream, places
