"""LSTM layers with a memory of the piece that makes likely tokens likelier, and no other ones."""

from __future__ import annotations

import torch
from torch import Tensor

from etude.models.lstm_copy import CopyLSTMNetwork


class ProductCopyLSTMNetwork(CopyLSTMNetwork):
    """P(token) ∝ P(token by the LSTM layers) · (1 + κ · P(token copied from earlier in the piece)).

    A product of experts (Hinton 2002), where :class:`CopyLSTMNetwork` has a mixture: a token that the LSTM
    layers exclude, such as a line end within a bar, is never copied. log κ is what the mixture calls its gate
    before the sigmoid.
    """

    trust_range = (0, 5)

    def head(self, features: Tensor) -> Tensor:
        """Return the log-probabilities (B, T, V)."""
        written, copied, gate = self.parts(features)
        bonus = torch.log1p(gate.exp() * copied)
        return torch.log_softmax(written + bonus, dim=-1)
