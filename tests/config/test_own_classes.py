"""Classes that no room declares settings for: their schema, their mistakes, and how they are built."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from etude.config import plugins
from etude.config.compose import compose, plain
from etude.config.fields import setting
from etude.config.problems import ConfigError
from etude.encodings.vocabulary import Vocabulary
from etude.models.module import SequenceModule
from etude.models.network import Network
from networks import module_from

VOCABULARY = Vocabulary.of(["60", "62"])
SGD, LSTM, FFN = "torch.optim.SGD", "etude.models.lstm.LSTMNetwork", "etude.models.ffn.FFNNetwork"


class Gru(Network):
    def __init__(self, vocabulary_size: int, width: int, layers: int = 1) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, width)
        self.gru = nn.GRU(width, width, layers, batch_first=True)
        self.linear = nn.Linear(width, vocabulary_size)

    def features(self, ids, state=None):
        return self.gru(self.embedding(ids), state)

    def head(self, features):
        return self.linear(features)


@dataclass
class OwnConfig:
    width: int = setting("width", low=1, high=64)


class OwnModule(SequenceModule):
    def __init__(self, vocabulary_size: int, name: str, config: OwnConfig, optimizer) -> None:
        super().__init__(name, Gru(vocabulary_size, config.width), vocabulary_size, optimizer)


def why(*lines: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        compose("train", lines)
    return {problem.what: problem.why for problem in caught.value.problems}


def test_another_target_brings_its_own_keys_and_types() -> None:
    config = compose("train", [f"optim._target_={SGD}", "optim.momentum=1", "optim.nesterov=true"])
    assert (config.optim.momentum, type(config.optim.momentum)) == (1.0, float)
    assert config.optim.lr == 0.001, "the file's value stays where the other class has the key as well"
    assert why(f"optim._target_={SGD}", "optim.momentun=1", "optim.nesterov=3.5") == {
        "optim.momentun=1": "no such key; did you mean optim.momentum?",
        "optim.nesterov=3.5": "takes true or false, got 3.5",
    }


def test_a_target_that_does_not_fit_its_place_is_refused_with_the_reason() -> None:
    assert "cannot stand here" in why(f"optim._target_={LSTM}")[f"optim._target_={LSTM}"]
    nowhere = "optim._target_=torch.optim.Sdg"
    assert "nothing of that name" in why(nowhere)[nowhere]
    nameless = "optim._target_=SGD"
    assert "must name a class, as in package.module.Class" in why(nameless)[nameless]


def test_keys_of_the_class_that_is_replaced_go_with_it() -> None:
    assert why(f"model._target_={FFN}") == {
        f"model.{key}": f"must be given; type model.{key}=... (a whole number)"
        for key in ("context", "embedding_dim")  # the file's null is none
    }
    model = compose("train", [f"model._target_={FFN}", "model.context=3", "model.embedding_dim=2"]).model
    assert sorted(model) == ["_target_", "context", "dropout", "embedding_dim", "hidden_dim", "name"]
    assert model.name == "lstm", "every network has one"
    line = f"model._target_={FFN}"
    assert why(line, "model.context=3", "model.num_layers=2")["model.num_layers=2"].startswith("no such key")


def test_a_network_is_wrapped_and_a_module_is_built_as_it_is() -> None:
    config = plain(compose("train"))
    plugins.enable([__name__])
    gru = {"_target_": f"{__name__}.Gru", "name": "gru", "width": 6}
    built = module_from({**config, "model": gru}, VOCABULARY)
    assert type(built) is SequenceModule
    assert (built.name, built.network.gru.hidden_size) == ("gru", 6)
    own = {"_target_": f"{__name__}.OwnModule", "name": "own", "width": 5}
    built = module_from({**config, "model": own}, VOCABULARY)
    assert type(built) is OwnModule
    assert (built.name, built.network.gru.hidden_size) == ("own", 5)
    assert isinstance(built.configure_optimizers(), torch.optim.Adam)
