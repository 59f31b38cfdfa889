"""The char-RNN of the ABC tutorial: one wide LSTM layer, with one bias vector for each gate."""

from __future__ import annotations

import torch
from torch import nn

from etude.models.lstm import LSTMNetwork
from etude.models.module import OptimizerFactory, SequenceModule


class OneBiasLSTM(nn.LSTM):
    """PyTorch's LSTM with one bias vector for each gate, as Keras has it.

    PyTorch adds two, of which one would do: ``bias_hh`` is zero here, is not learnt and is in no checkpoint.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, batch_first=True)
        del self.bias_hh_l0
        self.register_buffer("bias_hh_l0", torch.zeros(4 * hidden_size), persistent=False)


class CharRNNModule(SequenceModule):
    """Trains embedding → :class:`OneBiasLSTM` → dropout → linear."""

    def __init__(
        self,
        vocabulary_size: int,
        *,
        name: str,
        embedding_dim: int,
        hidden_dim: int,
        dropout: float,
        optimizer: OptimizerFactory,
    ) -> None:
        network = LSTMNetwork(
            vocabulary_size,
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            dropout=dropout,
            layer=OneBiasLSTM,
        )
        super().__init__(name, network, vocabulary_size, optimizer)
