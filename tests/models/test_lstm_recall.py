"""The LSTM with attention over its states: keys and values, the definition, rotation, calls in parts."""

import pytest
import torch

from etude.errors import EtudeError
from etude.models.lstm_recall import Recall, rotated
from networks import ids, network_of

H = 12


def recall() -> Recall:
    torch.manual_seed(0)
    return Recall(H, num_heads=2, head_dim=4).double().eval()


def states(time: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, time, H, generator=generator, dtype=torch.float64)


@torch.no_grad()
def test_a_key_knows_what_came_before_its_token_and_a_value_the_token() -> None:
    part, hidden, before = recall(), states(6), states(1, seed=2)
    other = hidden.clone()
    other[:, 3] += 1
    _, one = part(hidden, before, None)
    _, two = part(other, before, None)
    changed_keys = (one.keys != two.keys).any(-1).all(1).all(0)
    changed_values = (one.values != two.values).any(-1).all(1).all(0)
    assert changed_keys.nonzero().flatten().tolist() == [4]
    assert changed_values.nonzero().flatten().tolist() == [3]


@torch.no_grad()
def test_each_position_reads_itself_and_earlier_ones_by_the_definition() -> None:
    part, hidden, before = recall(), states(6), states(1, seed=2)
    read, known = part(hidden, before, None)
    queries = rotated(part._heads(part.query(part.norm(hidden))), 0)  # (heads, B, T, d)
    for position in range(6):
        seen = slice(0, position + 1)
        products = (queries[:, :, position, None] * known.keys[:, :, seen]).sum(-1) / 2  # √d = 2
        values = (products.softmax(-1)[..., None] * known.values[:, :, seen]).sum(2)
        by_hand = part.output(values.transpose(0, 1).flatten(1))
        assert torch.allclose(read[:, position], by_hand, atol=1e-12)


@torch.no_grad()
def test_products_of_rotated_vectors_depend_on_the_distance_alone() -> None:
    queries, keys = states(5), states(5, seed=2)
    products = [rotated(queries, first) @ rotated(keys, first).transpose(1, 2) for first in (0, 700)]
    assert torch.allclose(*products, atol=1e-3)
    assert not torch.allclose(products[0], queries @ keys.transpose(1, 2), atol=1e-3)


@torch.no_grad()
def test_several_calls_are_one_however_they_are_cut() -> None:
    network, sequence = network_of("lstm_recall").double().eval(), ids(2, 24)
    whole, _ = network(sequence)
    for cuts in ([24], [1] * 24, [10, 1, 13], [1, 23]):
        state, parts = None, []
        for part in sequence.split(cuts, dim=1):
            logits, state = network(part, state)
            parts.append(logits)
        assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-6)


def test_pairs_of_numbers_turn_so_a_head_must_be_even() -> None:
    with pytest.raises(EtudeError, match=r"head_dim=5 must be even; type 6"):
        network_of("lstm_recall", head_dim=5)
