"""Fast single step of stacked LSTM layers, for sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from etude.models.network import State, Step


def lstm_step(vectors: Tensor, layers: Sequence[nn.Module]) -> Step:
    """Return a step of ``nn.LSTM`` layers over the ``vectors`` (V, I) of the tokens, to hidden states (B, H).

    ``nn.LSTM`` spends more on one position than its arithmetic takes. Here what a token gives to the gates
    of the first layer is looked up, not multiplied. One sigmoid serves all gates, as tanh x = 2σ(2x) − 1:
    over memory without gaps it is faster than over three gates of four. Gates are overwritten in place,
    since each new (B, 4H) takes time. The state is that of ``nn.LSTM``: (h, c), each (layers, B, H); the
    given one is not changed.
    """
    first, *upper = layers
    from_token = vectors.detach() @ _doubled(first.weight_ih_l0).T  # (V, 4H)
    from_token = from_token + _doubled(first.bias_ih_l0) + _doubled(first.bias_hh_l0)
    from_hidden = [_doubled(layer.weight_hh_l0).T.contiguous() for layer in layers]  # (H, 4H)
    from_below = [_doubled(layer.weight_ih_l0).T.contiguous() for layer in upper]
    biases = [_doubled(layer.bias_ih_l0) + _doubled(layer.bias_hh_l0) for layer in upper]

    def step(ids: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, cells = state
        after: list[tuple[Tensor, Tensor]] = []
        for number, weight in enumerate(from_hidden):
            if number:
                gates = torch.addmm(biases[number - 1], after[-1][0], from_below[number - 1])
            else:
                gates = F.embedding(ids, from_token)
            gates.addmm_(hidden[number], weight)  # (B, 4H)
            i, f, half_g, o = gates.sigmoid_().chunk(4, dim=1)  # g = 2 · half_g − 1
            cell = (f * cells[number]).addcmul_(i, half_g, value=2).sub_(i)
            after.append((torch.tanh(cell).mul_(o), cell))
        h, c = zip(*after, strict=True)
        return h[-1], (h[0][None], c[0][None]) if not upper else (torch.stack(h), torch.stack(c))

    return step


def _doubled(weight: Any) -> Tensor:
    """Return the weights of the gates with those of g doubled."""
    i, f, g, o = weight.detach().chunk(4)
    return torch.cat([i, f, 2 * g, o])
