"""Sampler: a network, a primer and a seed in; sequences of ids out, a whole batch at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from etude.errors import EtudeError
from etude.models.network import Network
from etude.sampling.filters import Filter

NOISE_BLOCK = 256  # uniform numbers drawn at a time for each sequence


@torch.inference_mode()
def sample(
    network: Network,
    *,
    count: int,
    primer: Sequence[int],
    terminator: int,
    ends_after: int = 1,
    max_tokens: int,
    filters: Sequence[Filter] = (),
    seed: int = 0,
) -> list[list[int]]:
    """Draw ``count`` sequences of ids that begin with ``primer`` and end before ``ends_after`` terminators.

    Each sequence is at most ``max_tokens`` ids long, primer included, and has a generator of its own,
    seeded by (seed, its number), so the first of five is also the first of fifty. Every step feeds one
    token to the network and hands its state on: a token costs the same however long the piece.
    """
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    noise = _Noise(count, seed, device)
    start = torch.tensor([terminator, *primer], device=device).expand(count, -1)  # (B, 1 + primer)
    logits, state = network(start)
    drawn: list[Tensor] = []
    in_a_row = torch.zeros(count, dtype=torch.long, device=device)  # terminators at the end, until finished
    for _ in range(max_tokens - len(primer)):
        step = logits[:, -1]  # (B, V)
        for apply in filters:
            step = apply(step)
        chosen = _draw(step, next(noise))  # (B,)
        drawn.append(chosen)
        drawn_on = (in_a_row + 1) * (chosen == terminator)
        in_a_row = torch.where(in_a_row >= ends_after, in_a_row, drawn_on)
        if bool((in_a_row >= ends_after).all()):
            break
        logits, state = network(chosen[:, None], state)
    network.train(was_training)
    rows = torch.stack(drawn, dim=1).tolist() if drawn else [[] for _ in range(count)]
    return [[*primer, *_before_end(row, [terminator] * ends_after)] for row in rows]


def _draw(logits: Tensor, uniform: Tensor) -> Tensor:
    """Invert the cumulative distribution of logits (B, V) at ``uniform`` (B,) in [0, 1)."""
    if not bool(torch.isfinite(logits).any(dim=-1).all()):
        raise EtudeError("the network gives no finite numbers to draw from: its training has diverged")
    cumulative = torch.softmax(logits.double(), dim=-1).cumsum(dim=-1)  # (B, V)
    target = uniform[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, target, right=True).squeeze(1).clamp_max(logits.shape[1] - 1)


def _before_end(row: list[int], end: list[int]) -> list[int]:
    """What comes before the first occurrence of ``end``."""
    for start in range(len(row) - len(end) + 1):
        if row[start : start + len(end)] == end:
            return row[:start]
    return row


class _Noise:
    """Uniform numbers in [0, 1), shape (B,) a step, from one generator for each sequence."""

    def __init__(self, count: int, seed: int, device: torch.device) -> None:
        # Generators of the CPU give the same numbers whatever device the network is on.
        self._generators = [torch.Generator().manual_seed(_mixed(seed, number)) for number in range(count)]
        self._device = device
        self._block = torch.empty(0)
        self._step = NOISE_BLOCK

    def __next__(self) -> Tensor:
        if self._step == NOISE_BLOCK:
            rows = [
                torch.rand(NOISE_BLOCK, generator=generator, dtype=torch.float64)
                for generator in self._generators
            ]
            self._block = torch.stack(rows, dim=1).to(self._device)  # (NOISE_BLOCK, B)
            self._step = 0
        self._step += 1
        return self._block[self._step - 1]


def _mixed(seed: int, number: int) -> int:
    """One 63-bit seed of two numbers; sums and products would give neighbours the same music."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:8], "big") >> 1
