"""The char-RNN of the ABC tutorial: one wide LSTM layer, with one bias vector for each gate."""

from __future__ import annotations

import torch
from torch import nn

from etude.models.lstm import LSTMNetwork


class OneBiasLSTM(nn.LSTM):
    """PyTorch's LSTM with a single bias vector per gate, as in Keras.

    PyTorch adds two bias vectors, which is redundant. Here ``bias_hh`` is a constant zero, in no checkpoint.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, batch_first=True)
        del self.bias_hh_l0
        self.register_buffer("bias_hh_l0", torch.zeros(4 * hidden_size), persistent=False)


class CharRNNNetwork(LSTMNetwork):
    """Embedding → LSTM with one bias per gate → dropout → linear."""

    layer = OneBiasLSTM
