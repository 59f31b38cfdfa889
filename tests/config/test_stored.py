"""A stored config is checked like a typed one, and completed with the settings that have come since."""

import copy
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from composed import composed
from etude.config import plugins
from etude.config.conf_files import conf_dir
from etude.config.stored import check_stored

GROUPS = (
    "data", "data/encoding", "model", "optim", "schedule", "trainer", "callbacks", "logger", "sampling",
    "experiment",
)  # fmt: skip
CHOICES = [f"{group}={path.stem}" for group in GROUPS for path in sorted((conf_dir() / group).glob("*.yaml"))]


@pytest.fixture(scope="module")
def defaults() -> dict[str, Any]:
    return composed("train")


@pytest.mark.parametrize("choice", CHOICES)
def test_every_shipped_choice_comes_back_as_it_was(choice: str, defaults: dict[str, Any]) -> None:
    folder = "path" in (conf_dir() / f"{choice.replace('=', '/')}.yaml").read_text()
    lines = [choice, "data.path=somewhere"] if choice.startswith("data=") and folder else [choice]
    config = composed("train", *lines)
    assert check_stored(config, defaults) == (config, [], [])


def test_a_setting_that_has_come_since_is_filled_in(defaults: dict[str, Any]) -> None:
    old = copy.deepcopy(defaults)
    del old["threads"], old["data"]["split_seed"], old["callbacks"]["min_delta"], old["schedule"]
    config, filled, problems = check_stored(old, defaults)
    assert config == defaults
    assert sorted(filled) == ["callbacks.min_delta", "data.split_seed", "schedule", "threads"]
    assert problems == []


class OwnNetwork:
    def __init__(self, vocabulary_size: int, hidden_dim: int, layers: int = 2) -> None: ...


def test_it_is_filled_in_as_the_class_has_it_and_not_as_the_usual_class(
    defaults: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ffn = composed("train", "model=ffn", "model.context=3", "optim=rmsprop")
    old = copy.deepcopy(ffn)
    del old["model"]["embedding_dim"], old["optim"]["lr"]
    assert check_stored(old, defaults) == (ffn, ["model.embedding_dim", "optim.lr"], [])
    assert ffn["model"]["embedding_dim"] != defaults["model"]["embedding_dim"]
    assert ffn["optim"]["lr"] != defaults["optim"]["lr"]
    monkeypatch.setattr(plugins, "_typed", {})
    plugins.enable([__name__])
    old["model"] = {"_target_": f"{__name__}.OwnNetwork"}
    _, filled, problems = check_stored(old, defaults)
    assert filled == ["model.name", "optim.lr"], "the base class of all settings of models has the name"
    assert [(each.what, each.why) for each in problems] == [("model.hidden_dim=???", "must be given")]
    old["model"]["hidden_dim"] = 3
    config, _, problems = check_stored(old, defaults)
    assert (config["model"]["layers"], problems) == (2, [])


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("model.hiden_dim", 3, "no such key; did you mean model.hidden_dim?"),
        ("seed", "one", "takes a whole number, got one"),
        ("optim.lr", -1, "must be above 0"),
        ("data.encoding.step", "1/5", "one of"),
        ("data._target_", "os.system", "code that a file names is not run unasked"),
        ("nonsense", 1, "no such key"),
    ],
)
def test_what_does_not_fit_is_named(key: str, value: Any, why: str, defaults: dict[str, Any]) -> None:
    config = OmegaConf.create(copy.deepcopy(defaults))
    OmegaConf.update(config, key, value, force_add=True)
    stored: Any = OmegaConf.to_container(config)
    _, _, [problem] = check_stored(stored, defaults)
    assert key in problem.what
    assert why in problem.why


def test_the_conf_folder_was_found() -> None:
    assert isinstance(conf_dir(), Path)
    assert len(CHOICES) > 15
