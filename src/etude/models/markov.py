"""A Markov chain with Witten–Bell smoothing, as a network whose parameters are counts."""

from __future__ import annotations

import torch
from torch import Tensor

from etude.corpora.data_module import CorpusDataModule
from etude.corpora.gather import Batch
from etude.errors import EtudeError
from etude.models.id_windows import last_ids
from etude.models.module import SequenceModule
from etude.models.network import Network, State
from etude.models.ngram import NGram
from etude.models.settings import MarkovConfig


class MarkovModule(SequenceModule):
    """Module that counts the training pieces when training starts; training steps change nothing."""

    network: MarkovNetwork

    def on_fit_start(self) -> None:
        """Count whole pieces, as for the baselines, not windows of them."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, CorpusDataModule):
            raise EtudeError("a Markov chain counts the pieces of a corpus; give the trainer a data module")
        train = data.split.train
        self.network.ngram.count(data.pieces(train), train.labels)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure the batch; there is no loss to follow."""
        self._loss(batch, self._train)


class MarkovNetwork(Network):
    """An n-gram model: the next token depends on the ``ngram − 1`` before it, a chain of that order.

    Logits are log-probabilities, those of :class:`~etude.models.ngram.NGram`; before anything is counted
    all tokens are equally likely. Features are the last ids themselves, (B, T, ngram − 1), at least one.
    State: the ids before them, (ngram − 2, B).
    """

    module_class = MarkovModule

    def __init__(self, vocabulary_size: int, config: MarkovConfig) -> None:
        super().__init__()
        self.ngram = NGram(vocabulary_size, config.ngram)

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the last ids at every position and the state after the last."""
        return last_ids(ids, state, max(self.ngram.order - 1, 1))

    def head(self, features: Tensor) -> Tensor:
        """Return the log-probabilities (B, T, V)."""
        before = features.flatten(0, 1)
        found = [self.ngram.uniform()]
        index = torch.zeros(len(before), dtype=torch.long, device=before.device)  # into all that is found
        for known, row, probability in self.ngram.distributions(before):
            index[known] = row + sum(map(len, found))
            found.append(probability)
        return torch.cat(found).log()[index].reshape(*features.shape[:2], -1)
