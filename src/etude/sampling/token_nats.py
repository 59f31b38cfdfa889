"""The likelihood of generated tokens under the network alone, without the filters."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from etude.models.network import Network

POSITIONS = 1 << 22  # logits at a time, which bounds memory


@torch.inference_mode()
def token_nats(network: Network, starts: Tensor, rows: Sequence[Sequence[int]]) -> list[list[float]]:
    """Return −ln of the probability of each id of ``rows``, each after its row of ``starts`` (B, S).

    One pass for the whole batch after sampling, so that the steps of sampling stay cheap.
    """
    longest = max(map(len, rows), default=0)
    generated = torch.zeros(len(rows), longest, dtype=torch.long)
    for index, row in enumerate(rows):
        generated[index, : len(row)] = torch.tensor(row, dtype=torch.long)
    ids = torch.cat([starts, generated], dim=1).to(network.device)
    targets = ids[:, starts.shape[1] :, None]
    nats = torch.empty(targets.shape[:2])
    with network.evaluating():
        features, _ = network.features(ids[:, :-1])
        features = features[:, starts.shape[1] - 1 :]
        for first in range(0, longest, chunk := max(1, POSITIONS // max(1, len(rows) * 1024))):
            logits = network.head(features[:, first : first + chunk])
            taken = torch.log_softmax(logits, dim=-1).gather(-1, targets[:, first : first + chunk])
            nats[:, first : first + chunk] = -taken.squeeze(-1).cpu()
    return [found[: len(row)] for row, found in zip(rows, nats.tolist(), strict=True)]
