"""A Markov chain with Witten–Bell smoothing, as a network whose parameters are counts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from etude.corpora.data_module import CorpusDataModule
from etude.corpora.gather import Batch
from etude.errors import EtudeError
from etude.models.id_windows import TERMINATOR_ID, last_ids
from etude.models.module import OptimizerFactory, SequenceModule
from etude.models.network import Network, State
from etude.models.ngram import Level, NGram


class CountTable(nn.Module):
    """The counts of one context length, as in :class:`~etude.models.ngram.Level`; empty until they are set.

    ``contexts`` (C,) and ``events`` (E,) are ascending keys, ``counts`` (E,) how often each event was seen.
    """

    contexts: Tensor
    events: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("contexts", torch.empty(0, dtype=torch.long))
        self.register_buffer("events", torch.empty(0, dtype=torch.long))
        self.counts = nn.Parameter(torch.empty(0), requires_grad=False)

    def set(self, level: Level) -> None:
        """Take over the counts of an n-gram model."""
        device, dtype = self.counts.device, self.counts.dtype
        self.contexts = torch.from_numpy(level.contexts).to(device)
        self.events = torch.from_numpy(level.events).to(device)
        self.counts = nn.Parameter(torch.from_numpy(level.counts).to(device, dtype), requires_grad=False)

    def look_up(self, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ids of the contexts with these keys (N,), those found alone, and which were, (N,)."""
        if not len(self.contexts):
            return keys[:0], torch.zeros_like(keys, dtype=torch.bool)
        index = torch.searchsorted(self.contexts, keys).clamp_max(len(self.contexts) - 1)
        seen = self.contexts[index] == keys
        return index[seen], seen

    def rows(self, context: Tensor, vocabulary_size: int) -> Tensor:
        """Return how often each token followed these contexts (M,): (M, V)."""
        bounds = torch.stack([context, context + 1], dim=1) * vocabulary_size  # (M, 2) keys
        start, stop = torch.searchsorted(self.events, bounds).unbind(dim=1)
        row = torch.repeat_interleave(stop - start)  # one entry an event, (N,)
        first = (stop - start).cumsum(0) - (stop - start)
        event = torch.arange(len(row), device=row.device) - first[row] + start[row]
        counts = self.counts.new_zeros(len(context), vocabulary_size)
        counts[row, self.events[event] % vocabulary_size] = self.counts[event]
        return counts

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in ("contexts", "events", "counts"):  # as large as what was counted
            if prefix + name in state_dict:
                tensor = getattr(self, name)
                tensor.data = tensor.data.new_empty(state_dict[prefix + name].shape)
        super()._load_from_state_dict(state_dict, prefix, *rest)


class MarkovNetwork(Network):
    """An n-gram model: the next token depends on the ``ngram − 1`` before it, a chain of that order.

    Logits are log-probabilities, those of :class:`~etude.models.ngram.NGram`; before anything is counted
    all tokens are equally likely. Features are the last ids themselves, (B, T, ngram − 1), at least one.
    State: the ids before them, (ngram − 2, B).
    """

    def __init__(self, vocabulary_size: int, *, ngram: int) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.tables = nn.ModuleList(CountTable() for _ in range(ngram))

    def set(self, model: NGram) -> None:
        """Take over the counts of a model of the same order."""
        for table, level in zip(self.tables, model.levels, strict=True):
            table.set(level)  # type: ignore[operator]

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the last ids at every position and the state after the last."""
        return last_ids(ids, state, max(len(self.tables) - 1, 1))

    def head(self, features: Tensor) -> Tensor:
        """Return the log-probabilities (B, T, V)."""
        before = features.flatten(0, 1)  # (N, ngram − 1)
        size = self.vocabulary_size
        first: CountTable = self.tables[0]  # type: ignore[assignment]
        probability = first.counts.new_full((len(before), size), 1 / size)  # (N, V)
        known = torch.arange(len(before), device=before.device)  # positions whose context was seen so far
        context = torch.zeros_like(known)  # ... and the context's id
        for length, table in enumerate(self.tables):
            keys = context * size + before[known, -length] if length else context
            context, seen = table.look_up(keys)  # type: ignore[operator]
            known = known[seen]
            counts = table.rows(context, size)  # type: ignore[operator]
            kinds, totals = (counts > 0).sum(1, keepdim=True), counts.sum(1, keepdim=True)
            probability[known] = (counts + kinds * probability[known]) / (totals + kinds)
        return probability.log().reshape(*features.shape[:2], size)


class MarkovModule(SequenceModule):
    """Counts the training pieces of its data module when training starts; the passes then change nothing."""

    network: MarkovNetwork

    def __init__(self, vocabulary_size: int, *, name: str, ngram: int, optimizer: OptimizerFactory) -> None:
        super().__init__(name, MarkovNetwork(vocabulary_size, ngram=ngram), vocabulary_size, optimizer)

    def on_fit_start(self) -> None:
        """Count whole pieces, as the n-grams that every model is read against do, not windows of them."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, CorpusDataModule):
            raise EtudeError("a Markov chain counts the pieces of a corpus; give the trainer a data module")
        train, network = data.split.train, self.network
        order, size = len(network.tables), network.vocabulary_size
        network.set(NGram.fit(data.pieces(train), order, size, TERMINATOR_ID, train.labels))

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure the batch; there is no loss to follow."""
        self._loss(batch, self._train)
