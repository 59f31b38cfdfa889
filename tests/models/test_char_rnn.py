"""The char-RNN's size, and its LSTM with one bias vector a gate."""

import copy

import torch
from torch import nn

from etude.models.char_rnn import OneBiasLSTM
from networks import module_of, network_of

X, H = 6, 10


def test_as_many_parameters_as_published() -> None:
    network = network_of("char_rnn", 83, embedding_dim=256, hidden_dim=1024, num_layers=1)
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    assert parts["embedding"] == 83 * 256 == 21_248
    assert parts["lstm"] == 4 * (1024 * (256 + 1024) + 1024) == 5_246_976
    assert parts["linear"] == (1024 + 1) * 83 == 85_075
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 5_353_299
    assert sum(tensor.numel() for tensor in network.state_dict().values()) == 5_353_299


def test_it_is_pytorchs_with_the_second_bias_at_zero() -> None:
    ours, theirs = OneBiasLSTM(X, H), nn.LSTM(X, H, batch_first=True)
    theirs.load_state_dict({**ours.state_dict(), "bias_hh_l0": torch.zeros(4 * H)})
    x = torch.randn(3, 20, X)
    found, expected = ours(x)[0], theirs(x)[0]
    assert torch.equal(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    for name, parameter in ours.named_parameters():
        assert torch.allclose(parameter.grad, dict(theirs.named_parameters())[name].grad)


def test_training_leaves_the_second_bias_at_zero_and_moves_the_first() -> None:
    lstm = OneBiasLSTM(X, H)
    before = lstm.bias_ih_l0.clone()
    optimizer = torch.optim.Adam(lstm.parameters(), lr=0.1)
    lstm(torch.randn(3, 20, X))[0].square().sum().backward()
    optimizer.step()
    assert (lstm.bias_hh_l0 == 0).all()
    assert (lstm.bias_ih_l0 != before).all()


def test_copies_casts_and_loaded_weights_are_what_the_kernel_reads() -> None:
    lstm, x = OneBiasLSTM(X, H), torch.randn(3, 20, X)
    copied = copy.deepcopy(lstm)
    with torch.no_grad():
        copied.bias_ih_l0.add_(1)
    assert not torch.allclose(copied(x)[0], lstm(x)[0])
    other = OneBiasLSTM(X, H)
    other.load_state_dict(lstm.state_dict())
    assert torch.equal(other(x)[0], lstm(x)[0])
    assert torch.allclose(lstm.double()(x.double())[0].float(), other(x)[0], atol=1e-6)


def test_the_model_has_no_second_bias_in_its_checkpoint() -> None:
    assert "network.lstm.bias_hh_l0" not in module_of("char_rnn").state_dict()
