import subprocess
from functools import partial

import pytest
from omegaconf import OmegaConf

from etude.config import build as module
from etude.config.build import build
from etude.config.fields import Limits
from etude.errors import EtudeError, ReadError


class Pair:
    def __init__(self, left: object, right: object = None) -> None:
        if left == "bad":
            raise EtudeError("left is bad")
        self.left, self.right = left, right


@pytest.fixture(autouse=True)
def _allow_this_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALLOWED", (*module.ALLOWED, f"{__name__}."))


PAIR = f"{__name__}.Pair"


def test_a_node_becomes_its_object_with_the_extras_as_they_are() -> None:
    extra = [object()]
    built = build(OmegaConf.create({"_target_": PAIR, "left": [1, {"a": 2}]}), right=extra)
    assert isinstance(built, Pair)
    assert type(built.left) is list
    assert type(built.left[1]) is dict
    assert built.right is extra


def test_nested_nodes_are_built_first() -> None:
    node = {"_target_": PAIR, "left": {"_target_": "etude.config.fields.Limits", "low": 1}}
    assert build(node).left == Limits(low=1)


def test_a_partial_waits_for_the_rest() -> None:
    made = build({"_target_": PAIR, "_partial_": True, "left": 1}, right=2)
    assert isinstance(made, partial)
    assert (made().left, made().right) == (1, 2)


@pytest.mark.parametrize("left", ["bad", {"_target_": PAIR, "left": "bad"}])
def test_a_constructors_own_complaint_comes_through(left: object) -> None:
    with pytest.raises(EtudeError, match=r"^left is bad$"):
        build({"_target_": PAIR, "left": left})


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "etudes.thing",
        "torch.load",
        "etude.errors.Path",  # imported there, defined elsewhere
        "etude.cli.sys.exit",
        "etude.config.fields.math.sqrt",
        "etude.errors.EtudeErrro",
        "etude",
        "",
        7,
        None,
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_nothing_else_is_built(monkeypatch: pytest.MonkeyPatch, target: object, nested: bool) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_: pytest.fail("built"))
    inner = {"_target_": target, "left": "true"}
    with pytest.raises(EtudeError, match="_target_"):
        build({"_target_": PAIR, "left": [inner]} if nested else inner)


def test_a_node_that_names_nothing_is_an_error() -> None:
    with pytest.raises(EtudeError, match="no _target_ among a, b"):
        build({"a": 1, "b": 2})


def test_errors_of_ours_can_be_built() -> None:
    assert isinstance(build({"_target_": "etude.errors.ReadError", "reason": "x"}), ReadError)
