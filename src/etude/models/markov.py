"""A Markov chain with Witten–Bell smoothing, as a network whose parameters are counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from etude.models.causal_windows import causal_windows
from etude.models.network import Network, State
from etude.models.ngram import NGram
from etude.models.settings import MarkovConfig

if TYPE_CHECKING:
    from etude.models.module import SequenceModule


class MarkovNetwork(Network):
    """An n-gram model: the next token depends on the ``ngram − 1`` before it, a chain of that order.

    Logits are log-probabilities, those of :class:`~etude.models.ngram.NGram`; before anything is counted
    all tokens are equally likely. Features are the last ids themselves, (B, T, ngram − 1), at least one.
    State: the ids before them, (ngram − 2, B).
    """

    def __init__(self, vocabulary_size: int, config: MarkovConfig) -> None:
        super().__init__()
        self.ngram = NGram(vocabulary_size, config.ngram)

    @classmethod
    def training_module(cls) -> type[SequenceModule]:
        """Return the module that counts."""
        from etude.models.markov_module import MarkovModule

        return MarkovModule

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the last ids at every position and the state after the last."""
        return causal_windows(ids, state, max(self.ngram.order - 1, 1))

    def head(self, features: Tensor) -> Tensor:
        """Return the log-probabilities (B, T, V)."""
        before = features.flatten(0, 1)
        found = [self.ngram.uniform()]
        index = torch.zeros(len(before), dtype=torch.long, device=before.device)  # into all that is found
        for known, row, probability in self.ngram.distributions(before):
            index[known] = row + sum(map(len, found))
            found.append(probability)
        return torch.cat(found).log()[index].reshape(*features.shape[:2], -1)
