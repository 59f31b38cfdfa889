from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from omegaconf import OmegaConf

from etude.config import plugins, targets
from etude.config.build import build, build_as
from etude.config.fields import from_plain, setting
from etude.config.setting_limits import Limits
from etude.errors import EtudeError, ReadError


class Pair:
    def __init__(self, left: object, right: object = None) -> None:
        if left == "bad":
            raise EtudeError("left is bad")
        self.left, self.right = left, right


@dataclass
class BoxConfig:
    size: int = setting(low=1)
    colour: str = "red"


class Box:
    def __init__(self, config: BoxConfig, content: object = None) -> None:
        self.config, self.content = config, content


class Lid(Pair):
    def __init__(self, hinges: int, **rest: Any) -> None:
        super().__init__(**rest)
        self.hinges = hinges


@pytest.fixture(autouse=True)
def _nothing_typed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_typed", {})


PAIR, BOX, LID = (f"{__name__}.{name}" for name in ("Pair", "Box", "Lid"))


def test_a_node_becomes_its_object_with_the_extras_as_they_are() -> None:
    extra = [object()]
    built = build(OmegaConf.create({"_target_": PAIR, "left": [1, {"a": 2}]}), right=extra)
    assert isinstance(built, Pair)
    assert type(built.left) is list
    assert type(built.left[1]) is dict
    assert built.right is extra


def test_nested_nodes_are_built_first() -> None:
    inner = {"_target_": "etude.config.setting_limits.Limits", "low": 1}
    assert build({"_target_": PAIR, "left": inner}).left == Limits(low=1)
    assert build({"_target_": PAIR, "left": [inner]}).left == [Limits(low=1)]


def test_a_class_that_takes_a_config_is_given_its_settings() -> None:
    built = build({"_target_": BOX, "size": 3, "colour": "blue"}, content="hat")
    assert isinstance(built.config, BoxConfig)
    assert (built.config.size, built.config.colour, built.content) == (3, "blue", "hat")


def test_settings_are_derived_from_a_signature_and_its_parents() -> None:
    found = targets.settings_class(LID)
    assert [(name, hint) for name, hint in found.__annotations__.items()] == [
        ("hinges", int), ("left", Any), ("right", Any),
    ]  # fmt: skip
    built = build({"_target_": LID, "hinges": 2, "left": 1})
    assert (built.hinges, built.left, built.right) == (2, 1, None)


def test_the_fields_of_a_kind_are_accepted_beside_the_constructors_own() -> None:
    @dataclass
    class Kind:
        builds: ClassVar[str] = ""
        supplied: ClassVar[tuple[str, ...]] = ("right",)
        name: str = setting()

    found = targets.settings_class(PAIR, Kind)
    assert issubclass(found, Kind)
    settings = from_plain(found, {"name": "a pair", "left": 1})
    assert build(settings, right=2).right == 2
    with pytest.raises(EtudeError, match=r"missing or unknown settings: right"):
        from_plain(found, {"name": "a pair", "left": 1, "right": 2})


def test_a_key_that_nothing_takes_is_refused() -> None:
    for node in ({"_target_": PAIR, "left": 1, "rigth": 2}, {"_target_": BOX, "size": 1, "_partial_": True}):
        with pytest.raises(EtudeError, match=r"missing or unknown settings: (_partial_|rigth)$"):
            build(node)


@pytest.mark.parametrize("left", ["bad", {"_target_": PAIR, "left": "bad"}])
def test_a_constructors_own_complaint_comes_through(left: object) -> None:
    with pytest.raises(EtudeError, match=r"^left is bad$"):
        build({"_target_": PAIR, "left": left})


@pytest.mark.parametrize("target", ["etudes.thing", "etude.errors.EtudeErrro", "etude", "", 7, None])
@pytest.mark.parametrize("nested", [False, True])
def test_what_does_not_exist_is_one_sentence(target: object, nested: bool) -> None:
    inner = {"_target_": target, "left": "true"}
    with pytest.raises(EtudeError, match="_target_"):
        build({"_target_": PAIR, "left": [inner]} if nested else inner)


def test_an_argument_that_the_caller_supplies_must_be_taken() -> None:
    with pytest.raises(EtudeError, match="Pair: its __init__ must take size and colour"):
        build({"_target_": PAIR, "left": 1}, size=1, colour=2)


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "torch.load",
        "subprocess.Popen",
        "etude.errors.Path",  # imported there, defined elsewhere
        "etude.cli.sys.exit",
        "etude.config.fields.math.sqrt",
        "etude.files.atomic_write",  # a function
        PAIR,
    ],
)
def test_a_stored_node_names_nothing_else(target: str) -> None:
    with pytest.raises(EtudeError, match=r"_target_ (names|etude)"):
        build_as(object, {"_target_": target, "left": "true"})


def test_a_stored_node_names_a_class_of_its_kind_in_a_package_that_is_enabled() -> None:
    with pytest.raises(EtudeError, match="if you trust it, type ETUDE_PLUGINS=test_build before the command"):
        build_as(Pair, {"_target_": PAIR, "left": 1})
    build({"_target_": PAIR, "left": 1})  # typed, so its package is enabled in this process
    assert build_as(Pair, {"_target_": PAIR, "left": {"_target_": PAIR, "left": 2}}).left.left == 2
    for node in (
        {"_target_": BOX, "size": 1},
        {"_target_": PAIR, "left": [{"_target_": "etude.errors.ReadError", "reason": "x"}]},
        {"_target_": PAIR, "left": {"_target_": "pytorch_lightning.Trainer"}},
    ):
        with pytest.raises(EtudeError, match="has no place in a stored configuration"):
            build_as(Pair, node)


def test_a_node_that_names_nothing_is_an_error() -> None:
    with pytest.raises(EtudeError, match="no _target_ among a, b"):
        build({"a": 1, "b": 2})


def test_errors_of_ours_can_be_built() -> None:
    assert isinstance(build({"_target_": "etude.errors.ReadError", "reason": "x"}), ReadError)
