"""Classes that no room declares settings for: their schema, their mistakes, and how they are built."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn

from composed import composed
from etude.config import plugins
from etude.config.build import build
from etude.config.compose import Checker, compose, plain
from etude.config.fields import from_plain, limits_of, setting
from etude.config.frozen import Freezer
from etude.config.problems import ConfigError
from etude.config.session import session
from etude.config.targets import settings_class
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.module import SequenceModule
from etude.models.network import Network
from etude.runs.identity import folder_name
from etude.training.settings import TrainSettings
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
        composed("train", *lines)
    return {problem.what: problem.why for problem in caught.value.problems}


def test_another_target_brings_its_own_keys_and_types() -> None:
    optim = composed("train", f"optim._target_={SGD}", "optim.momentum=0", "optim.nesterov=true")["optim"]
    assert (optim["momentum"], type(optim["momentum"])) == (0.0, float)
    assert optim["lr"] == 0.008, "the file's value stays where the other class has the key as well"
    assert why(f"optim._target_={SGD}", "optim.momentun=1", "optim.nesterov=3.5") == {
        "optim.momentun=1": "no such key; did you mean optim.momentum?",
        "optim.nesterov=3.5": "takes true or false, got 3.5",
    }


def test_a_target_that_does_not_fit_its_place_is_refused_with_the_reason() -> None:
    assert "cannot stand here" in why(f"optim._target_={LSTM}")[f"optim._target_={LSTM}"]
    nowhere = "optim._target_=torch.optim.Sdg"
    assert "nothing of that name" in why(nowhere, "optim.momentum=1")[nowhere]
    assert list(why(nowhere, "optim.momentum=1")) == [nowhere], "the keys of no class are not wrong"
    nameless = "optim._target_=SGD"
    assert "must name a class, as in package.module.Class" in why(nameless)[nameless]


def test_keys_of_the_class_that_is_replaced_go_with_it() -> None:
    assert why("model=lstm", f"model._target_={FFN}") == {
        f"model.{key}": f"must be given; type model.{key}=... (a whole number)"
        for key in ("context", "embedding_dim")  # the file's null is none
    }
    model = composed("train", f"model._target_={FFN}", "model.context=3")["model"]
    kept = ["_target_", "context", "dropout", "embedding_dim", "hidden_dim", "name", "tie_weights"]
    assert sorted(model) == kept
    assert model["name"] == "lstm_copy", "every network has one"
    line = f"model._target_={FFN}"
    assert why(line, "model.context=3", "model.num_layers=2")["model.num_layers=2"].startswith("no such key")


def test_a_network_is_wrapped_and_a_module_is_built_as_it_is() -> None:
    config = composed("train", "schedule=constant")
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


class PlainNetwork(nn.Module):
    def __init__(self, vocabulary_size: int) -> None:
        super().__init__()


def test_a_plain_module_is_refused_with_what_to_write() -> None:
    config, node = composed("train"), {"_target_": f"{__name__}.PlainNetwork", "name": "plain"}
    with pytest.raises(
        EtudeError, match=r"plain nn\.Module; inherit from .*Network.* features\(ids, state\)"
    ):
        module_from({**config, "model": node}, VOCABULARY)


CALLBACKS = "pytorch_lightning.callbacks"
RATE = f"+callbacks.rate._target_={CALLBACKS}.LearningRateMonitor"


def test_a_group_of_nodes_takes_further_ones_typed_by_their_class() -> None:
    stop = f"+callbacks.stop._target_={CALLBACKS}.EarlyStopping"
    monitored = ("callbacks.stop.monitor=val/accuracy", "callbacks.stop.mode=max")
    callbacks = composed("train", RATE, stop, *monitored)["callbacks"]
    assert callbacks["rate"]["log_momentum"] is False, "the default of the class"
    assert (callbacks["stop"]["mode"], callbacks["patience"]) == ("max", None)
    assert why(RATE, "callbacks.rate.log_momentun=true", "callbacks.rate.log_momentum=3.5", stop) == {
        "callbacks.rate.log_momentun=true": "no such key; did you mean callbacks.rate.log_momentum?",
        "callbacks.rate.log_momentum=3.5": "takes true or false, got 3.5",
        "callbacks.stop.monitor": "must be given; type callbacks.stop.monitor=... (text)",
    }


def test_a_group_of_nodes_refuses_a_misspelt_or_nameless_node() -> None:
    assert "no such key" in why("callbacks.patiense=3")["callbacks.patiense=3"]
    assert "no such key" in why("+callbacks.patiense=3")["+callbacks.patiense=3"]
    nameless = "+callbacks.rate={logging_interval: step}"
    assert why(nameless)["callbacks.rate._target_"].startswith("must name the class to build")


def test_a_node_is_left_out_by_null(tmp_path: Path) -> None:
    (tmp_path / "callbacks").mkdir()
    (tmp_path / "callbacks" / "mine.yaml").write_text(
        "defaults: [default, _self_]\n"
        f"rate: {{_target_: {CALLBACKS}.LearningRateMonitor}}\n"
        f"timer: {{_target_: {CALLBACKS}.Timer}}\n"
    )
    config = plain(compose("train", ["callbacks=mine", "callbacks.rate=null"], extra=tmp_path))
    assert list(from_plain(TrainSettings, config).callbacks.nodes) == ["timer"]
    with pytest.raises(ConfigError, match=r"to leave it empty type callbacks\.rate=null"):
        compose("train", ["callbacks=mine", "~callbacks.rate"], extra=tmp_path)


class Sink:
    def __init__(self, first: int, **rest: object) -> None:
        self.first, self.rest = first, rest


class Fixed(Sink):
    def __init__(self, second: int = 2, **rest: object) -> None:
        super().__init__(first=1, **rest)


def test_a_class_that_takes_any_keyword_gets_those_of_its_node() -> None:
    node = {"_target_": f"{__name__}.Sink", "first": 1, "colour": "red"}
    assert build(node).rest == {"colour": "red"}


def test_an_argument_that_the_class_passes_on_itself_is_none_of_the_node() -> None:
    assert build({"_target_": f"{__name__}.Fixed", "colour": "red"}).first == 1
    assert [each.name for each in fields(settings_class(f"{__name__}.Fixed"))] == ["second"]


class Modes:
    def __init__(self, mode: Literal["min", "max"] = "min", sizes: Sequence[int] = (1, 2)) -> None:
        self.mode, self.sizes = mode, sizes


@dataclass
class Plain:
    width: int = setting("width", low=1, high=64)
    names: list[str] = field(default_factory=lambda: ["a"])


def test_literals_and_fields_of_a_dataclass_limit_values() -> None:
    modes, plain_fields = (settings_class(f"{__name__}.{name}") for name in ("Modes", "Plain"))
    limits = {each.name: limits_of(each) for cls in (modes, plain_fields) for each in fields(cls)}
    assert limits["mode"].complaint("mid") == "must be one of min, max, got 'mid'"
    assert limits["width"].complaint(65)
    assert plain_fields(width=1).names == ["a"]


def test_a_module_that_cannot_be_imported_is_named_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    (tmp_path / "faulty_lab.py").write_text("import torch\n\nx = undefined\n")
    (tmp_path / "needy_lab.py").write_text("import not_there_at_all\n")
    for module, said in (("faulty_lab", "NameError"), ("needy_lab", "not_there_at_all")):
        line = f"optim._target_={module}.Own"
        assert f"{module} cannot be imported" in why(line)[line]
        assert said in why(line)[line]
        assert f"{module}.py" in why(line)[line]


def test_defaults_have_the_classes_of_the_command_or_the_experiment(tmp_path: Path) -> None:
    (tmp_path / "optim").mkdir()
    (tmp_path / "optim" / "mine.yaml").write_text("_target_: torch.optim.AdamW\nlr: 0.01\n")
    for lines, adam in (
        (["optim=mine", "optim.lr=0.1"], True),
        (["experiment=mozart_lstm_batchnorm"], False),
        (["experiment=mozart_lstm_batchnorm", "optim=mine"], False),
    ):
        with session(extra=tmp_path) as hydra:
            checker = Checker(hydra.config_loader, "train")
            config, problems = checker.check(lines)
            assert not problems
            frozen = Freezer(checker, "").freeze(config, lines)
        usual = "torch.optim.Adam" if adam else "torch.optim.RMSprop"
        assert frozen.defaults["optim"]["_target_"] == usual
        if "optim=mine" in lines:
            assert frozen.defaults["optim"]["lr"] == (0.01 if adam else 0.001), (
                "of the file, or the experiment"
            )
            name = folder_name(frozen.config, frozen.defaults, "f")
            assert "optim-AdamW" in name
            assert ("lr-0.1" in name) == adam
