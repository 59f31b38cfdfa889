"""Performance RNN: three LSTM layers over one-hot events."""

from __future__ import annotations

from etude.models.lstm import LSTMNetwork
from etude.models.module import OptimizerFactory, SequenceModule


class PerformanceRNNModule(SequenceModule):
    """Trains stacked LSTM layers on one-hot vectors (Oore et al. 2018, section 4)."""

    def __init__(
        self,
        vocabulary_size: int,
        *,
        name: str,
        hidden_dim: int,
        num_layers: int,
        dropout: float,
        optimizer: OptimizerFactory,
    ) -> None:
        network = LSTMNetwork(
            vocabulary_size, one_hot=True, hidden_dim=hidden_dim, num_layers=num_layers, dropout=dropout
        )
        super().__init__(name, network, vocabulary_size, optimizer)
