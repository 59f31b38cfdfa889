"""Performance RNN: three LSTM layers over one-hot events."""

from __future__ import annotations

import torch

from etude.models.lstm import LSTMNetwork, OneHot
from etude.models.settings import PerformanceRNNConfig


class PerformanceRNNNetwork(LSTMNetwork):
    """One-hot events → LSTM layers → dropout → linear (Oore et al. 2018, section 4)."""

    def __init__(self, vocabulary_size: int, config: PerformanceRNNConfig) -> None:
        self._build(vocabulary_size, OneHot(vocabulary_size), vocabulary_size, config)
        _widen(self)


@torch.no_grad()
def _widen(network: LSTMNetwork) -> None:
    """Initialise input weights wider than PyTorch does, and forget gates to remember.

    PyTorch's bound, 1/√hidden_dim, suits inputs of unit size that are all at work. Of a one-hot vector one
    is, and the outputs of an untrained layer are some 0.2; by the third layer nothing is left of the input,
    and training stays at the entropy of single events for hundreds of steps.
    """
    for layer in (network.lstm, *network.upper):
        bound = 1.0 if layer is network.lstm else 4.5 / layer.hidden_size**0.5
        layer.weight_ih_l0.uniform_(-bound, bound)
        layer.bias_ih_l0[layer.hidden_size : 2 * layer.hidden_size] = (
            1.0  # the forget gate (Gers et al. 2000)
        )
