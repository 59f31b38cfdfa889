"""Tied weights: one matrix at both ends, through training, files and the weights to start from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from etude.config.conf_files import conf_dir
from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.models.checkpoint import TrainedModel, load_model, metadata
from etude.models.export import export_weights, step_difference
from etude.models.freezing import freeze
from etude.models.initial_weights import InitialWeights, start_from
from etude.models.onnx_file import CLOSE, export_onnx
from networks import CHOICES, VOCABULARY, V, config_of, ids, model_of, module_of, network_of

# as written: nothing is composed while tests are collected
TIED = [
    choice for choice in CHOICES if "tie_weights:" in (conf_dir() / "model" / f"{choice}.yaml").read_text()
]
every = pytest.mark.parametrize("choice", TIED)


def widths(choice: str) -> dict[str, int]:
    return {"embedding_dim": 32} if "embedding_dim" in config_of(choice)["model"] else {}


def tied(choice: str) -> TrainedModel:
    return model_of(choice, tie_weights=True, **widths(choice))


def test_every_network_between_an_embedding_and_a_linear_layer_can_be_tied() -> None:
    assert set(CHOICES) - set(TIED) == {"lstm_flat", "markov", "performance_rnn"}  # one-hot, or none


@every
def test_one_matrix_is_trained_and_stays_one_when_it_is_read_again(choice: str, tmp_path: Path) -> None:
    model = tied(choice)
    free = network_of(choice, **widths(choice))
    count = {False: 0, True: 0}
    for is_tied, network in ((False, free), (True, model.network)):
        count[is_tied] = sum(weight.numel() for weight in network.parameters())
    assert count[False] - count[True] == V * 32
    module = module_of(choice, tie_weights=True, **widths(choice))
    module.network.load_state_dict(model.network.state_dict())
    optimizer = torch.optim.SGD(module.network.parameters(), 0.5)
    module.network(ids(2, 9))[0].logsumexp(-1).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    stored = {"state_dict": module.state_dict(),
              "etude": metadata(model.config, VOCABULARY, "a corpus")}  # fmt: skip
    torch.save(stored, tmp_path / "model.ckpt")
    again = load_model(tmp_path / "model.ckpt").network
    assert again.embedding.weight is again.linear.weight
    assert torch.equal(again.linear.weight, module.network.linear.weight)  # type: ignore[arg-type]
    assert not torch.equal(again.linear.weight, model.network.linear.weight)  # type: ignore[arg-type]


@every
def test_exports_give_the_steps_of_the_network(choice: str, tmp_path: Path) -> None:
    model = tied(choice)
    assert export_weights(model, "f" * 64, tmp_path / "model.safetensors", torch.float32) == 0
    again = load_model(tmp_path / "model.safetensors").network
    assert step_difference(model.network, again, V) == 0
    assert again.embedding.weight is again.linear.weight


def test_onnx_gives_the_steps_of_the_network(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    assert export_onnx(tied("lstm"), "f" * 64, tmp_path / "model.onnx") < CLOSE


@every
def test_tied_weights_start_a_tied_and_a_free_network(choice: str) -> None:
    model = tied(choice)
    given = InitialWeights(Path("weights.pt"), dict(model.network.state_dict()), VOCABULARY)
    for tie in (True, False):
        network = network_of(choice, seed=2, tie_weights=tie, **widths(choice)).eval()
        config = ResolvedConfig(config_of(choice, tie_weights=tie, **widths(choice)))
        match = start_from(given, network, config, VOCABULARY)
        assert match.random == match.unused == []
        assert torch.equal(network(ids(2, 9))[0], model.network.eval()(ids(2, 9))[0])


def test_either_name_freezes_the_matrix() -> None:
    for name in ("embedding", "linear"):
        network = network_of("lstm", tie_weights=True, embedding_dim=32)
        freeze(network, [name])
        assert not network.embedding.weight.requires_grad


def test_other_widths_are_refused_with_what_to_type() -> None:
    with pytest.raises(EtudeError, match=r"type model\.embedding_dim=32 too"):
        network_of("lstm", tie_weights=True, embedding_dim=8)


def test_the_first_logits_are_small_as_those_of_a_free_network() -> None:
    for choice in ("lstm", "music_transformer"):
        network = network_of(choice, tie_weights=True, **widths(choice))
        assert network(ids(4, 9))[0].std() < 1
