"""The training of the Mozart lab's network."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from etude.corpora.gather import IGNORE, Batch
from etude.models.lstm_batchnorm import BatchNormLSTMNetwork
from etude.models.module import OptimizerFactory, SequenceModule
from etude.models.network import State


class BatchNormLSTMModule(SequenceModule):
    """Module for :class:`BatchNormLSTMNetwork`; batch statistics are of the labelled positions only.

    ``carry_state`` hands the hidden state from each training batch to the next, as the lab does, from zero
    at the start of an epoch and without its gradient. Windows come in random order, so the state is that of
    unrelated music. Without it, and always in validation, each batch begins with zeros.
    """

    network: BatchNormLSTMNetwork

    def __init__(
        self, name: str, network: BatchNormLSTMNetwork, vocabulary_size: int, optimizer: OptimizerFactory
    ) -> None:
        super().__init__(name, network, vocabulary_size, optimizer)
        self._carried: State | None = None

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        """Return the mean loss over the labels of the batch."""
        if batch_idx == 0:
            self._carried = None
        return super().training_step(batch, batch_idx)

    def label_logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the log-probabilities (1, N, V) and targets (1, N) of the N positions that have a label."""
        features, state = self.network.features(batch.inputs, self._state_for(batch))
        if self.training and self.network.carry_state:
            self._carried = tuple(part.detach() for part in state)
        labelled = features[:, -batch.targets.shape[1] :]  # (B, L, H)
        counted = batch.targets != IGNORE
        return self.network.head(labelled[counted][None]), batch.targets[counted][None]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the initial state of the next batch."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["carried_state"] = self._carried

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the stored state."""
        self._carried = checkpoint["carried_state"]

    def _state_for(self, batch: Batch) -> State | None:
        if not self.training or self._carried is None or self._carried[0].shape[1] != len(batch.inputs):
            return None  # an incomplete last batch has no state of its size
        return tuple(part.to(batch.inputs.device) for part in self._carried)
