"""A network that copies: the memory against a plain count of matches, and what a repeated passage gains."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from etude.models import copy_memory
from etude.models.copy_memory import CopyMemory
from networks import V, check_steps_of_memory, ids, ready

LONGEST = 3


def memory() -> CopyMemory:
    made = CopyMemory(V, LONGEST)
    with torch.no_grad():
        made.score.copy_(torch.tensor([-1.0, 0.5, 2.0, 4.0]))
    return made.requires_grad_(requires_grad=False)


def match(piece: list[int], one: int, other: int) -> int:
    length = 0
    while length < min(LONGEST, other + 1) and piece[one - length] == piece[other - length]:
        length += 1
    return length


def copied(made: CopyMemory, piece: list[int], place: int) -> tuple[Tensor, int]:
    """What the memory gives at a place, place by place and without tensors in between."""
    lengths = [match(piece, place, earlier) for earlier in range(place)]
    weights = [
        math.exp(made.score[length]) * (place - earlier) ** -float(made.decay)
        for earlier, length in enumerate(lengths)
    ]
    probabilities = torch.zeros(V)
    for earlier, weight in enumerate(weights):
        probabilities[piece[earlier + 1]] += weight / sum(weights)
    return probabilities, max(lengths, default=0)


@pytest.mark.parametrize("block", [4, 128])
@pytest.mark.parametrize("count", [1, 7, 30])
def test_attention_is_by_match_and_distance(block: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_memory, "BLOCK", block)
    made, piece = memory(), ids(2, 30) % 4  # few tokens, so that passages match
    found, longest, matches = made(piece, count)
    assert found.shape == (2, count, V)
    for row in range(2):
        assert matches[row, :29].tolist() == [match(piece[row].tolist(), 29, place) for place in range(29)]
        for number, place in enumerate(range(30 - count, 30)):
            expected, length = copied(made, piece[row].tolist(), place)
            assert torch.allclose(found[row, number], expected, atol=1e-6)
            assert longest[row, number] == length


def test_the_mixture_is_a_distribution_at_every_place_but_the_first_where_nothing_can_be_copied() -> None:
    network = ready("lstm_copy").network
    logits, _ = network(ids(3, 20))
    sums = logits.exp().sum(dim=-1)
    assert torch.allclose(sums[:, 1:], torch.ones(3, 19), atol=1e-5)
    assert (sums[:, 0] < 1).all()  # the softmax of the loss divides by it


def test_an_untrained_network_expects_a_passage_to_come_again() -> None:
    network = ready("lstm_copy").network
    passage = torch.randperm(V, generator=torch.Generator().manual_seed(0))[None]
    again, _ = network(torch.cat([passage, passage], dim=1))
    chance = again[0, V:-1].softmax(-1).gather(1, passage[0, 1:, None]).squeeze(1)
    assert (chance[1:] > 1 / V).all()
    assert (chance.diff() > 0).all()  # the longer the match, the more it is trusted


@given(
    pieces=st.lists(st.lists(st.integers(0, 2), min_size=24, max_size=24), min_size=1, max_size=3),
    start=st.integers(0, 8),
    longest=st.integers(1, 6),
)
@settings(max_examples=30, deadline=None)
def test_a_step_of_the_memory_is_the_last_position_of_a_pass(
    pieces: list[list[int]], start: int, longest: int
) -> None:
    made = CopyMemory(V, longest).requires_grad_(requires_grad=False)
    check_steps_of_memory(made, torch.tensor(pieces), start)


def test_the_state_holds_the_piece_so_far_and_the_matches_of_its_end() -> None:
    network = ready("lstm_copy").network
    piece = ids(2, 9) % 3
    _, state = network(piece[:, :6])
    _, state = network(piece[:, 6:], state)
    *_, past, matches = state
    assert torch.equal(past, piece.T)
    assert torch.equal(matches, network.memory(piece, 9)[2].T)
