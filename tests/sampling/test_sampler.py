"""The sampler: its distribution, its seeds, its stops, and the cost of a token."""

import math

import pytest
import torch
from torch import Tensor

from etude.errors import EtudeError
from etude.models.network import Network
from etude.sampling.filters import Filters, temperature
from etude.sampling.sampler import sample
from networks import network_of

V = 9


class Fixed(Network):
    """Network with the same logits at every position; counts the positions it computed."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(logits)
        self.positions: list[int] = []

    def features(self, ids: Tensor, state: object = None) -> tuple[Tensor, object]:
        self.positions.append(ids.shape[1])
        return self.logits.expand(*ids.shape, -1), state

    def head(self, features: Tensor) -> Tensor:
        return features


def lstm() -> Network:
    return network_of("lstm", V, seed=3, embedding_dim=None, hidden_dim=16, num_layers=1, dropout=0.5)


def sampled(
    network: Network, count: int = 4, primer: tuple[int, ...] = (), max_tokens: int = 40, **settings: object
) -> list[list[int]]:
    given = {"terminator": 0, "seed": 5, **settings}
    start = torch.tensor([[0, *primer]]).expand(count, -1)
    rows = sample(network, start, primer_len=len(primer), max_new=max_tokens - len(primer), **given)  # type: ignore[arg-type]
    return [[*primer, *row] for row in rows]


def slow_sample(network: Network, primer: tuple[int, ...], noise: list[float], max_tokens: int) -> list[int]:
    """The published way: the whole prefix again for each token, one sequence at a time."""
    network.eval()
    tokens = list(primer)
    for uniform in noise[: max_tokens - len(primer)]:
        logits, _ = network(torch.tensor([[0, *tokens]]))
        cumulative = torch.softmax(logits[0, -1].double(), 0).cumsum(0)
        chosen = int((cumulative <= uniform * cumulative[-1]).sum())
        if chosen == 0:
            break
        tokens.append(chosen)
    return tokens


def test_a_stateful_batch_is_what_the_published_way_samples_one_by_one() -> None:
    from etude.sampling import sampler

    network, primer = lstm(), (3, 4, 4)
    together = sampled(network, count=6, primer=primer)
    for number, sequence in enumerate(together):
        generator = torch.Generator().manual_seed(sampler.sequence_seed(5, number))
        noise = torch.rand(sampler.NOISE_BLOCK, generator=generator, dtype=torch.float64).tolist()
        assert sequence == slow_sample(network, primer, noise, 40)


def test_the_first_of_many_is_the_first_of_one() -> None:
    network = lstm()
    many = sampled(network, count=64)
    assert sampled(network, count=1) == many[:1]
    assert sampled(network, count=7) == many[:7]
    assert sampled(network, count=3, first=4) == many[4:7]


def test_another_seed_gives_other_music() -> None:
    network = lstm()
    assert sampled(network, seed=0) == sampled(network, seed=0) != sampled(network, seed=1)


def test_neighbouring_seeds_share_no_sequences() -> None:
    network = lstm()
    rows = [tuple(sequence) for seed in range(4) for sequence in sampled(network, count=8, seed=seed)]
    long = [sequence for sequence in rows if len(sequence) > 8]
    assert len(set(long)) == len(long) > 8


@pytest.mark.parametrize("degree", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_the_tempered_distribution_says(degree: float) -> None:
    logits = torch.tensor([-30.0, 0.0, 1.0, 2.0])
    tempered = [lambda logits, ids: temperature(logits, degree)]
    [sequence] = sampled(Fixed(logits), count=1, max_tokens=20_000, filters=Filters(tempered))
    seen = torch.bincount(torch.tensor(sequence), minlength=4) / len(sequence)
    assert torch.allclose(seen, torch.softmax(logits / degree, 0), atol=0.015)


def test_a_sequence_ends_before_the_terminator_and_at_the_latest_with_max_tokens() -> None:
    never, at_once = torch.tensor([-1e9, 0.0, 0.0]), torch.tensor([1e9, 0.0, 0.0])
    assert [len(sequence) for sequence in sampled(Fixed(never), max_tokens=7, primer=(1, 2))] == [7] * 4
    assert sampled(Fixed(at_once), primer=(1, 2)) == [[1, 2]] * 4


@pytest.mark.parametrize("ends_after", [1, 2, 3])
def test_a_piece_ends_before_so_many_terminators_in_a_row(ends_after: int) -> None:
    often = Fixed(torch.tensor([0.0, 0.0]))
    sequences = sampled(often, count=50, max_tokens=200, ends_after=ends_after)
    longer = sampled(often, count=50, max_tokens=200, ends_after=99)
    for sequence, whole in zip(sequences, longer, strict=True):
        text = "".join(map(str, whole))
        assert sequence == [int(one) for one in text.split("0" * ends_after)[0]]
    assert {len(sequence) for sequence in longer} == {200}


def test_each_token_costs_one_position_however_long_the_piece() -> None:
    network = Fixed(torch.tensor([-1e9, 0.0, 0.0]))
    sampled(network, primer=(1, 2, 1), max_tokens=600)
    assert network.positions[0] == 4  # terminator and primer, once
    assert set(network.positions[1:]) == {1}


def test_the_network_is_left_as_it_was() -> None:
    network = lstm().train()
    sampled(network)
    assert network.training
    diverged = Fixed(torch.full((V,), math.nan)).train()
    with pytest.raises(EtudeError, match="diverged"):
        sampled(diverged)
    assert diverged.training
    assert all(parameter.grad is None for parameter in network.parameters())
