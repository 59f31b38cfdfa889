"""The training of a Markov chain: counting."""

from __future__ import annotations

from etude.corpora.data_module import CorpusDataModule
from etude.corpora.gather import Batch
from etude.errors import EtudeError
from etude.models.markov import MarkovNetwork
from etude.models.module import SequenceModule


class MarkovModule(SequenceModule):
    """Module that counts the training pieces when training starts; training steps change nothing."""

    network: MarkovNetwork

    def on_fit_start(self) -> None:
        """Count whole pieces, as for the baselines, not windows of them."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, CorpusDataModule):
            raise EtudeError("a Markov chain counts the pieces of a corpus; give the trainer a data module")
        train = data.corpus.split.train
        self.network.ngram.count(data.corpus.pieces(train), train.labels)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Measure the batch; there is no loss to follow."""
        self._losses(batch, self._train)
