"""The network of the Mozart lab: stacked LSTM layers, then batch normalisation and linear layers in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from etude.models.lstm import LSTMNetwork
from etude.models.settings import BatchNormLSTMConfig

if TYPE_CHECKING:
    from etude.models.module import SequenceModule


class PositionNorm(nn.BatchNorm1d):
    """Batch normalisation of (B, L, H) over its B · L positions; of fewer than two, by the running means."""

    def forward(self, vectors: Tensor) -> Tensor:
        """Return vectors of the same shape."""
        rows = vectors.flatten(0, 1)  # (B · L, H)
        if len(rows) < 2:  # no variance, and PyTorch's own refuses
            normal = F.batch_norm(
                rows, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        else:
            normal = super().forward(rows)
        return normal.reshape(vectors.shape)


class BatchNormLSTMNetwork(LSTMNetwork):
    """Embedding → LSTM layers → norm → linear → norm → linear → norm → log-softmax.

    State: (h, c), each (num_layers, B, hidden_dim). The logits are log-probabilities, as published.
    """

    def __init__(self, vocabulary_size: int, config: BatchNormLSTMConfig) -> None:
        super().__init__(vocabulary_size, config)
        self.carry_state = config.carry_state
        self.norm = PositionNorm(config.hidden_dim)
        self.between = nn.Linear(config.hidden_dim, config.hidden_dim)
        self.between_norm = PositionNorm(config.hidden_dim)
        self.linear_norm = PositionNorm(vocabulary_size)

    @classmethod
    def training_module(cls) -> type[SequenceModule]:
        """Return the module that may carry the state, and normalises labelled positions only."""
        from etude.models.lstm_batchnorm_module import BatchNormLSTMModule

        return BatchNormLSTMModule

    def head(self, features: Tensor) -> Tensor:
        """Return the log-probabilities (B, T, V)."""
        middle = self.between_norm(self.between(self.norm(features)))  # (B, T, H)
        return F.log_softmax(self.linear_norm(self.linear(self.dropout(middle))), dim=-1)
