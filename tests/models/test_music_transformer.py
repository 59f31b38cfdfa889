"""The Music Transformer: sizes by hand, cached against uncached, and how far a position is seen."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.errors import EtudeError
from etude.models.music_transformer import MusicTransformerNetwork
from etude.models.relative_attention import BLOCK
from etude.sampling.sampler import sample
from networks import network_of

V, H, LAYERS, HEADS, F, DISTANCES = 11, 16, 2, 4, 24, 10


def network(dropout: float = 0.0, max_distance: int = DISTANCES) -> MusicTransformerNetwork:
    return network_of(
        "music_transformer",
        V,
        hidden_dim=H,
        num_layers=LAYERS,
        num_heads=HEADS,
        feedforward_dim=F,
        max_distance=max_distance,
        dropout=dropout,
    )


def ids(batch: int, time: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(V, (batch, time), generator=torch.Generator().manual_seed(seed))


def test_the_parameters_are_those_counted_by_hand() -> None:
    attention = H * 3 * H + 3 * H + H * H + H + HEADS * DISTANCES * (H // HEADS)
    feedforward = H * F + F + F * H + H
    norms = 2 * 2 * H
    total = V * H + LAYERS * (attention + feedforward + norms) + 2 * H + H * V + V
    assert sum(parameter.numel() for parameter in network().parameters()) == total


@torch.no_grad()
def test_token_by_token_is_one_pass_at_every_length_also_past_the_distances_and_a_block() -> None:
    net, sequence = network().double().eval(), ids(2, 3 * BLOCK // 2)
    assert sequence.shape[1] > BLOCK > 10 * DISTANCES
    whole, _ = net(sequence)
    state = None
    for position in range(sequence.shape[1]):
        logits, state = net(sequence[:, position : position + 1], state)
        assert torch.allclose(logits[:, 0], whole[:, position], atol=1e-10), position


@torch.no_grad()
def test_every_length_read_at_once_ends_like_the_longer_ones() -> None:
    net, sequence = network().double().eval(), ids(1, 40)
    whole, _ = net(sequence)
    for length in range(1, 41):
        assert torch.allclose(net(sequence[:, :length])[0], whole[:, :length], atol=1e-10), length


@given(cuts=st.lists(st.integers(1, 9), min_size=1, max_size=6), gradients=st.booleans())
@settings(max_examples=20, deadline=None)
def test_several_calls_with_the_state_give_the_logits_of_one(cuts: list[int], gradients: bool) -> None:
    net, sequence = network().double().eval(), ids(3, sum(cuts))
    with torch.set_grad_enabled(gradients):
        whole, _ = net(sequence)
        parts, state = [], None
        for part in sequence.split(cuts, dim=1):
            logits, state = net(part, state)
            parts.append(logits)
        in_parts = torch.cat(parts, dim=1)
    assert torch.allclose(in_parts, whole, atol=1e-10)
    if gradients:
        of_parts, of_whole = (
            torch.autograd.grad(logits.square().sum(), list(net.parameters()), materialize_grads=True)
            for logits in (in_parts, whole)
        )
        assert all(torch.allclose(*pair, atol=1e-8) for pair in zip(of_parts, of_whole, strict=True))


def test_each_distance_within_reach_is_used_and_no_other() -> None:
    net = network()
    distances = [layer.attention.distances for layer in net.layers]
    for gradient in torch.autograd.grad(net(ids(2, 8))[0].square().sum(), distances):
        assert (gradient[:, -8:].abs().sum(-1) > 0).all()  # 0 to 7
        assert (gradient[:, :-8] == 0).all()


def test_sampling_goes_on_past_the_distances_it_knows() -> None:
    never = torch.zeros(V).index_fill(0, torch.tensor([0]), -torch.inf)
    start = torch.tensor([[0, 1, 2]] * 2)
    only = ([lambda logits, ids: logits + never], [])
    drawn = sample(network(), start, primer_len=2, terminator=0, max_new=60, filters=only)
    assert [len(sequence) for sequence in drawn] == [60, 60]


def test_heads_must_share_the_width_evenly() -> None:
    with pytest.raises(EtudeError, match=r"hidden_dim=16 cannot be divided among model\.num_heads=5"):
        network_of("music_transformer", hidden_dim=16, num_heads=5)
