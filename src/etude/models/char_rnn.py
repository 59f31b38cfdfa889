"""The char-RNN of the ABC tutorial: one wide LSTM layer, with one bias vector for each gate."""

from __future__ import annotations

import torch
from torch import nn

from etude.models.lstm import LSTMNetwork


class OneBiasLSTM(nn.LSTM):
    """PyTorch's LSTM with one bias vector for each gate, as Keras has it.

    PyTorch adds two, of which one would do: ``bias_hh`` is zero here, is not learnt and is in no checkpoint.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, batch_first=True)
        del self.bias_hh_l0
        self.register_buffer("bias_hh_l0", torch.zeros(4 * hidden_size), persistent=False)


class CharRNNNetwork(LSTMNetwork):
    """Embedding → :class:`OneBiasLSTM` → dropout → linear."""

    layer = OneBiasLSTM
