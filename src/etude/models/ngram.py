"""Interpolated n-gram models with Witten–Bell smoothing: counts and their probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TERMINATOR_ID = 0  # of every vocabulary
PROBABILITIES = 1 << 22  # computed at a time by `predictions`, which bounds memory


class Prediction(NamedTuple):
    """Predictions of one order for each label of some pieces; both arrays (labels,), piece after piece.

    ``nats`` is the negative log-likelihood of the label, ``argmax`` the likeliest token at its place, of
    equals the one with the smallest id.
    """

    nats: Floats
    argmax: Ids


class CountTable(nn.Module):
    """Counts of one context length; empty until set.

    A context's key is the id of the context one shorter · vocabulary size + the token further back; its id is
    its place among the keys, so that a context of any length fits one 64-bit key. ``contexts`` (C,) holds
    the keys, ascending. ``events`` (E,) holds context id · vocabulary size + token, ascending, and ``counts``
    (E,) how often each was seen.
    """

    contexts: Tensor
    events: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("contexts", torch.empty(0, dtype=torch.long))
        self.register_buffer("events", torch.empty(0, dtype=torch.long))
        self.counts = nn.Parameter(torch.empty(0), requires_grad=False)

    def set(self, contexts: Ids, events: Ids, counts: Ids) -> None:
        """Replace the counts; keep device and dtype."""
        device, dtype = self.counts.device, self.counts.dtype
        self.contexts = torch.from_numpy(contexts).to(device)
        self.events = torch.from_numpy(events).to(device)
        self.counts = nn.Parameter(torch.from_numpy(counts).to(device, dtype), requires_grad=False)

    def look_up(self, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ids of the known contexts among these keys (N,), and which are known, (N,)."""
        if not len(self.contexts):
            return keys[:0], torch.zeros_like(keys, dtype=torch.bool)
        index = torch.searchsorted(self.contexts, keys).clamp_max(len(self.contexts) - 1)
        seen = self.contexts[index] == keys
        return index[seen], seen

    def followers(self, context: Tensor, vocabulary_size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the tokens seen after contexts (M,): places in ``context``, tokens, counts; all (N,)."""
        bounds = torch.stack([context, context + 1], dim=1) * vocabulary_size  # (M, 2) keys
        start, stop = torch.searchsorted(self.events, bounds).unbind(dim=1)
        place = torch.repeat_interleave(stop - start)  # one entry an event, (N,)
        first = (stop - start).cumsum(0) - (stop - start)
        event = torch.arange(len(place), device=place.device) - first[place] + start[place]
        return place, self.events[event] % vocabulary_size, self.counts[event]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in ("contexts", "events", "counts"):  # sizes depend on the data
            if prefix + name in state_dict:
                tensor = getattr(self, name)
                tensor.data = tensor.data.new_empty(state_dict[prefix + name].shape)
        super()._load_from_state_dict(state_dict, prefix, *rest)


class NGram(nn.Module):
    """P(token | the ``order − 1`` tokens before it), every order interpolated with the next shorter one.

    P_n(w | h) = (c(h w) + T(h) · P_{n−1}(w | h')) / (c(h) + T(h)), where c counts occurrences, T(h) is the
    number of different tokens seen after h, and h' is h without its oldest token. P_0 is uniform, and a
    context never seen leaves P_{n−1} as it is. Sources: Witten & Bell 1991, method C; the interpolated
    form as in Chen & Goodman 1998, section 2.
    """

    def __init__(self, vocabulary_size: int, order: int) -> None:
        super().__init__()
        if order < 1:
            raise ValueError(f"the order of an n-gram model is at least 1, not {order}")
        self.vocabulary_size = vocabulary_size
        self.tables = nn.ModuleList(CountTable() for _ in range(order))  # of context lengths 0 … order − 1

    @property
    def order(self) -> int:
        """The longest n-gram counted: its last token and ``order − 1`` tokens of context."""
        return len(self.tables)

    def count(self, pieces: Sequence[Ids], counted: npt.NDArray[np.bool_] | None = None) -> None:
        """Count the n-grams of ``pieces`` up to ``order``; with ``counted``, (labels,), those labels alone.

        Each piece is a (length,) array of ids below ``vocabulary_size`` and ends with the terminator, which
        also stands for everything before its first token. ValueError if a piece is different, or if there is
        none.
        """
        stream, places = self._padded(pieces)
        if counted is not None:
            places = places[counted]
        tokens = stream[places]
        context = np.zeros_like(tokens)
        for length, table in enumerate(self.tables):
            keys = context * self.vocabulary_size + stream[places - length] if length else context
            contexts, context = np.unique(keys, return_inverse=True)
            events, counts = np.unique(context * self.vocabulary_size + tokens, return_counts=True)
            table.set(contexts, events, counts)  # type: ignore[operator]

    def uniform(self) -> Tensor:
        """Return the distribution (1, V) before anything is counted."""
        shortest: CountTable = self.tables[0]  # type: ignore[assignment]
        return shortest.counts.new_full((1, self.vocabulary_size), 1 / self.vocabulary_size)

    def distributions(self, before: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield the prediction of order 1, 2, … ``order`` after the ids ``before`` (N, order − 1 or more).

        Each time: the positions (K,) whose context was seen in training at this length, for each of them its
        row, and the distributions (rows, V), one for each different context. At all other positions the
        distribution of the order before holds.
        """
        size, probability = self.vocabulary_size, self.uniform()
        known = torch.arange(len(before), device=before.device)
        context = row = torch.zeros_like(known)
        for length, table in enumerate(self.tables):
            keys = context * size + before[known, -length] if length else context
            context, seen = table.look_up(keys)  # type: ignore[operator]
            known, shorter = known[seen], row[seen]
            different, row = torch.unique(context, return_inverse=True)
            shorter = torch.empty_like(different).scatter_(0, row, shorter)
            place, token, counts = table.followers(different, size)  # type: ignore[operator]
            kinds, totals = probability.new_zeros(2, len(different), 1)
            kinds.index_add_(0, place, torch.ones_like(counts)[:, None])
            totals.index_add_(0, place, counts[:, None])
            probability = probability[shorter] * kinds
            probability.index_put_((place, token), counts, accumulate=True)
            probability /= totals + kinds
            yield known, row, probability

    @torch.no_grad()
    def predictions(self, pieces: Sequence[Ids]) -> list[Prediction]:
        """Return the predictions of order 1, 2, … ``order`` for every label, terminators included.

        Pieces, and errors, as in :meth:`count`.
        """
        stream, places = self._padded(pieces)
        labels = torch.from_numpy(stream[places])
        before = torch.from_numpy(stream).unfold(0, self.order, 1)[places - self.order + 1, :-1]
        chances = torch.full((self.order, len(labels)), 1 / self.vocabulary_size, dtype=torch.float64)
        argmax = torch.zeros(self.order, len(labels), dtype=torch.long)
        step = max(1, PROBABILITIES // self.vocabulary_size)
        for first in range(0, len(labels), step):
            part = slice(first, first + step)
            for index, (known, row, probability) in enumerate(self.distributions(before[part])):
                # what an order says holds for the longer ones too, unless they have seen the context
                chances[index:, part][:, known] = probability[row, labels[part][known]]
                argmax[index:, part][:, known] = probability.argmax(dim=1)[row]
        return [Prediction(*pair) for pair in zip(-np.log(chances.numpy()), argmax.numpy(), strict=True)]

    def _padded(self, pieces: Sequence[Ids]) -> tuple[Ids, Ids]:
        """Return the pieces in one array, ``order − 1`` terminators before each, and the places of labels."""
        if not pieces:
            raise ValueError("n-grams need at least one piece")
        for number, piece in enumerate(pieces):
            if len(piece) == 0 or piece[-1] != TERMINATOR_ID:
                raise ValueError(f"piece {number} does not end with the terminator, id {TERMINATOR_ID}")
        tokens, padding = np.concatenate(pieces), self.order - 1
        if tokens.min() < 0 or tokens.max() >= self.vocabulary_size:
            found = f"{tokens.min()} to {tokens.max()}"
            raise ValueError(
                f"ids run from {found}, but there are {self.vocabulary_size} tokens in the vocabulary"
            )
        lengths = [len(piece) for piece in pieces]
        places = np.arange(len(tokens)) + padding * np.repeat(np.arange(1, len(pieces) + 1), lengths)
        stream = np.full(len(tokens) + padding * len(pieces), TERMINATOR_ID, dtype=np.int64)
        stream[places] = tokens
        return stream, places
