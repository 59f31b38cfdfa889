"""The network of "Intro to LSTMs": a linear layer over all the outputs of a window, flattened."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from etude.models.causal_windows import causal_windows
from etude.models.dropout import Dropout
from etude.models.lstm import OneHot
from etude.models.network import Network, State
from etude.models.settings import FlatLSTMConfig

FLAT_NUMBERS = 2**24  # in the flattened outputs at a time, without gradients: 64 MB


class FlatLSTMNetwork(Network):
    """One-hot → LSTM → dropout → linear (window · hidden_dim → V) over the last ``window`` outputs.

    The linear layer is a causal convolution over the outputs, with zeros before a piece. At the last
    position of a window that begins without a state, it is the published network.
    State: (h, c, past), batch second: (1, B, H) twice, and the last outputs (window − 1, B, H).
    Features are the windows of outputs, (B, T, H, window), a view that takes no memory of its own.
    """

    def __init__(self, vocabulary_size: int, config: FlatLSTMConfig) -> None:
        super().__init__()
        self.window = config.window
        self.one_hot = OneHot(vocabulary_size)
        self.lstm = nn.LSTM(vocabulary_size, config.hidden_dim, batch_first=True)
        self.dropout = Dropout(config.dropout)
        self.linear = nn.Linear(config.window * config.hidden_dim, vocabulary_size)

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the last outputs at every position (B, T, H, window) and the state after the last."""
        h_c, past = (None, None) if state is None else (state[:2], state[2])
        outputs, (h, c) = self.lstm(self.one_hot(ids), h_c)  # (B, T, H)
        windows, past = causal_windows(outputs, past, self.window)
        return windows, (h, c, past)

    def head(self, features: Tensor) -> Tensor:
        """Return the logits (B, L, V)."""
        if torch.is_grad_enabled():
            return self._logits(features)
        # Whole pieces, `window` times as large once flattened, are taken part by part.
        at_a_time = max(1, FLAT_NUMBERS // features[:, :1].numel())
        return torch.cat([self._logits(part) for part in torch.split(features, at_a_time, dim=1)], dim=1)

    def _logits(self, features: Tensor) -> Tensor:
        flat = features.transpose(2, 3).flatten(2)  # (B, L, window · H), oldest output first
        logits: Tensor = self.linear(self.dropout(flat))
        return logits
