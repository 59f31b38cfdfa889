"""Fast single step of stacked LSTM layers, for sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from etude.models.network import State, Step


class Weights(NamedTuple):
    """The parameters of one ``nn.LSTM`` layer, in its order: (4H, I), (4H, H), (4H,), (4H,)."""

    from_input: Tensor
    from_hidden: Tensor
    input_bias: Tensor
    hidden_bias: Tensor


def lstm_step(vectors: Tensor, layers: Sequence[Weights]) -> Step:
    """Return a step of LSTM layers over the ``vectors`` (V, I) of the tokens, to hidden states (B, H).

    ``nn.LSTM`` spends more on one position than its arithmetic takes. Here what a token gives to the gates
    of the first layer is looked up, not multiplied. One call squashes all gates, as tanh x = 2σ(2x) − 1: one
    over memory without gaps is faster than one over three gates of four. Gates are overwritten in place,
    since each new (B, 4H) takes time. The state is that of ``nn.LSTM``: (h, c), each (layers, B, H); the one
    that is given stays as it is.
    """
    first, *upper = [Weights(*(_doubled_candidate(weight) for weight in layer)) for layer in layers]
    from_token = vectors.detach() @ first.from_input.T + first.input_bias + first.hidden_bias  # (V, 4H)
    from_hidden = [layer.from_hidden.T.contiguous() for layer in (first, *upper)]  # (H, 4H)
    from_below = [layer.from_input.T.contiguous() for layer in upper]
    biases = [layer.input_bias + layer.hidden_bias for layer in upper]

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


def _doubled_candidate(weight: Tensor) -> Tensor:
    i, f, g, o = weight.chunk(4)
    return torch.cat([i, f, 2 * g, o])
