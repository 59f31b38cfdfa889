"""The LSTM from scratch is PyTorch's, forwards and backwards."""

import torch
from torch import Tensor, nn

from etude.models.lstm_cell import LSTMCell

X, H, TIME = 38, 128, 64  # the sizes of the published system


def pair() -> tuple[LSTMCell, nn.LSTM]:
    """Ours, and PyTorch's with the same weights."""
    torch.manual_seed(0)
    ours, theirs = LSTMCell(X, H), nn.LSTM(X, H, batch_first=True)
    weights = torch.cat([theirs.weight_hh_l0, theirs.weight_ih_l0], dim=1).chunk(4)  # gates i, f, g, o
    biases = (theirs.bias_ih_l0 + theirs.bias_hh_l0).chunk(4)
    gates = (ours.input, ours.forget, ours.candidate, ours.output)
    with torch.no_grad():
        for gate, weight, bias in zip(gates, weights, biases, strict=True):
            gate.weight.copy_(weight)
            gate.bias.copy_(bias)
    return ours, theirs


def inputs() -> tuple[Tensor, tuple[Tensor, Tensor]]:
    torch.manual_seed(1)
    return torch.randn(4, TIME, X), (torch.randn(1, 4, H).tanh(), torch.randn(1, 4, H))


def test_forward_it_gives_what_pytorchs_gives_to_1e_6() -> None:
    ours, theirs = pair()
    x, state = inputs()
    for given in (None, state):
        found, (h, c) = ours(x, given)
        expected, (their_h, their_c) = theirs(x, given)
        for mine, reference in ((found, expected), (h, their_h), (c, their_c)):
            assert mine.shape == reference.shape
            assert (mine - reference).abs().max() < 1e-6


def test_every_gradient_is_pytorchs_to_1e_5() -> None:
    """In double precision, so that the equations are compared and not the order of a sum."""
    ours, theirs = (layer.double() for layer in pair())
    x, state = inputs()
    leaves = [[part.double().requires_grad_() for part in (x, *state)] for _ in range(2)]
    for layer, (given, h, c) in zip((ours, theirs), leaves, strict=True):
        outputs, (_, cell) = layer(given, (h, c))
        (outputs.square().sum() + cell.sin().sum()).backward()
    for mine, reference in zip(*leaves, strict=True):
        assert (mine.grad - reference.grad).abs().max() < 1e-5
    of_weights = torch.cat([theirs.weight_hh_l0.grad, theirs.weight_ih_l0.grad], dim=1).chunk(4)
    of_biases = theirs.bias_ih_l0.grad.chunk(4)
    gates = (ours.input, ours.forget, ours.candidate, ours.output)
    for gate, weight, bias in zip(gates, of_weights, of_biases, strict=True):
        assert (gate.weight.grad - weight).abs().max() < 1e-5
        assert (gate.bias.grad - bias).abs().max() < 1e-5
        assert weight.abs().max() > 1e-2  # there is something to compare


def test_the_output_is_of_the_updated_cell() -> None:
    """With the forget gate shut and the others open, h_1 shows what came in at this very step."""
    cell = LSTMCell(1, 1)
    with torch.no_grad():
        for gate, weight, bias in (
            (cell.forget, 0.0, -50.0),
            (cell.input, 0.0, 50.0),
            (cell.candidate, 1.0, 0.0),
            (cell.output, 0.0, 50.0),
        ):
            gate.weight.copy_(torch.tensor([[0.0, weight]]))
            gate.bias.fill_(bias)
    x = torch.tensor([[[0.5], [-1.0]]])
    outputs, _ = cell(x)
    assert torch.allclose(outputs, x.tanh().tanh())
