"""Networks described from outside: shapes, counts, loops and copies, on a toy and on every network."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from etude.models.network import Network
from etude.reports.network_parts import SIZES, Part, _axis, describe
from networks import CHOICES, V, module_of, network_of

(B, T), (B2, T2) = SIZES


@dataclass
class Remembered:
    last: Tensor
    steps: int


class Halves(nn.Module):
    """Adds two linear layers.

    More is not told.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(6))
        self.left, self.right = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.gain * (self.left(inputs) + self.right(inputs))


class Toy(Network):
    """A cell in a loop over time, two blocks alike, a reshape that no module sees."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.cell = nn.GRUCell(4, 6)
        self.blocks = nn.ModuleList([Halves(), Halves()])
        self.linear = nn.Linear(3, 5)

    def features(self, ids: Tensor, state: object = None) -> tuple[Tensor, object]:
        embedded, hidden = self.embedding(ids), None
        steps = []
        for time in range(ids.shape[1]):
            hidden = self.cell(embedded[:, time], hidden)
            steps.append(hidden)
        features = torch.stack(steps, dim=1)
        for block in self.blocks:
            features = block(features)
        return features.view(ids.shape[0], 2 * ids.shape[1], 3), [(hidden, Remembered(features, 3)), hidden]

    def head(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(features)[:, ::2]
        return logits


def test_a_network_is_described_from_a_forward_pass() -> None:
    network = Toy().train()
    whole, state = describe(network)
    assert network.training
    assert (whole.takes, whole.gives, whole.parts[0].takes) == ("(B, T)", "(B, T, 5)", "(B, T)")
    embedding, cell, blocks, linear = whole.parts
    assert (embedding.kind, embedding.gives, embedding.details) == ("Embedding", "(B, T, 4)", "5, 4")
    assert (cell.calls, cell.takes, cell.gives) == ("T", "(B, 4)", "(B, 6)")
    assert (blocks.name, blocks.copies, blocks.num_parameters) == ("blocks.0 … 1", 2, 6 + 2 * 42)
    assert (blocks.summary, blocks.own) == ("Adds two linear layers.", ("gain (6,): 6",))
    assert [part.name for part in blocks.parts] == ["left", "right"]
    assert (linear.takes, linear.gives, linear.details) == (
        "(B, 2·T, 3)",
        "(B, 2·T, 5)",
        "in_features=3, out_features=5",
    )
    assert state == "2 × (B, 6), (B, T, 6)"


def counted(part: Part) -> int:
    """Parameters from the leaves up, repeated ones as often as they are there."""
    own = sum(int(each.rpartition(": ")[2].replace(",", "")) for each in part.own)
    within = sum(counted(each) * each.copies for each in part.parts)
    return own + within if part.parts else part.num_parameters


@pytest.mark.parametrize("choice", CHOICES)
def test_every_parameter_of_any_network_is_counted_and_has_a_shape(choice: str) -> None:
    network = module_of(choice).network
    whole, _ = describe(network)
    assert (whole.takes, whole.gives) == ("(B, T)", f"(B, T, {V})")
    assert whole.num_parameters == sum(each.numel() for each in network.parameters()) == counted(whole)
    parts = [whole]
    while parts:
        part = parts.pop()
        assert part.takes.startswith("(")
        assert "?" not in part.takes + part.gives
        parts += part.parts


@given(number=st.integers(1, 4096))
def test_axes_are_found_from_two_lengths(number: int) -> None:
    assert _axis(number, number) == str(number)
    assert (_axis(B, B2), _axis(T, T2), _axis(B * T, B2 * T2)) == ("B", "T", "B·T")
    assert _axis(T + number, T2 + number) == f"T+{number}"
    assert number == 1 or _axis(T * number, T2 * number) == f"{number}·T"
    assert number == 1 or _axis(B * number, B2 * number) == f"{number}·B"


def test_dropout_shows_its_rate_though_its_class_is_our_own() -> None:
    whole, _ = describe(network_of("lstm", dropout=0.25))
    assert {part.details for part in whole.parts if part.kind == "Dropout"} == {"p=0.25"}
