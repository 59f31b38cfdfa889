"""Performance RNN: three LSTM layers over one-hot events."""

from __future__ import annotations

import torch

from etude.models.lstm import LSTMNetwork, OneHot
from etude.models.settings import PerformanceRNNConfig


class PerformanceRNNNetwork(LSTMNetwork):
    """One-hot events → LSTM layers → dropout → linear (Oore et al. 2018, section 4)."""

    def __init__(self, vocabulary_size: int, config: PerformanceRNNConfig) -> None:
        self._build(vocabulary_size, OneHot(vocabulary_size), vocabulary_size, config)
        # PyTorch's bound, 1/√hidden_dim, suits inputs that are all of unit size. A one-hot vector has one
        # input that is not zero, and an untrained layer's outputs are about 0.2. By the third layer the input
        # has vanished, and training stays at the entropy of single events for hundreds of steps.
        hidden = config.hidden_dim
        with torch.no_grad():
            for layer in (self.lstm, *self.upper):
                bound = 1.0 if layer is self.lstm else 4.5 / hidden**0.5
                layer.weight_ih_l0.uniform_(-bound, bound)
                layer.bias_ih_l0[hidden : 2 * hidden] = 1.0  # the forget gate (Gers et al. 2000)
