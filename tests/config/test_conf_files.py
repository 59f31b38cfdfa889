"""The shipped conf/: every setting explained, typed and composable."""

import dataclasses
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

from composed import checker_of
from etude.cli import VERBS
from etude.config.conf_files import conf_dir, groups_of, sets_key, values_in
from etude.config.fields import dataclass_in, hints_of, meaning_of
from etude.config.session import session
from etude.config.signatures import signature_of
from etude.config.targets import ROOMS, _declared_in, load_target, root_class
from etude.config.validation import invalid_values

FOLDER = conf_dir()
FILES = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.yaml"))
CONFIGS = sorted({verb.config for verb in VERBS.values()})  # several verbs share one
CHOICES = [
    (config, f"{group.name}={choice}")
    for config in CONFIGS
    for group in groups_of(config, [FOLDER])
    for choice in group.choices
]

# what a user's YAML and an older model file need not name: PyTorch's own defaults, or of no effect
NEUTRAL = (
    "decay_biases_and_norms", "warmup", "interval", "betas", "eps", "weight_decay", "amsgrad", "momentum",
    "dampening", "nesterov", "alpha", "centered", "tie_weights", "augment_semitones", "augment_tempo",
    "augment_keys", "related_books", "bucket", "sounding_notes", "transposed_copies",
)  # fmt: skip
# classes of conf/ without a settings class
BY_SIGNATURE = {
    "torch.optim.lr_scheduler.ReduceLROnPlateau",
    "pytorch_lightning.callbacks.EMAWeightAveraging",
}
FREE = ("data.encoding.options",)  # arguments that MidiTok itself checks


def settings_classes() -> list[type[Any]]:
    """Every settings class that a command's configuration can be made of."""
    found: list[type[Any]] = []
    wanted = [
        *filter(None, map(root_class, CONFIGS)),
        *(cls for room in ROOMS for cls in _declared_in(room).values()),
    ]
    while wanted:
        cls = wanted.pop()
        if cls not in found:
            found.append(cls)
            wanted += [inner for hint in hints_of(cls).values() if (inner := dataclass_in(hint))]
    return found


SETTINGS = settings_classes()


def defaults(name: str) -> list[Any]:
    content = yaml.safe_load((FOLDER / f"{name}.yaml").read_text()) or {}
    return list(content.get("defaults", []))


@pytest.mark.parametrize("cls", SETTINGS, ids=lambda cls: cls.__name__)
def test_every_setting_says_what_it_means_in_one_line(cls: type[Any]) -> None:
    for field in dataclasses.fields(cls):
        words = meaning_of(field)
        assert words, f"{cls.__name__}.{field.name} has no meaning"
        assert "\n" not in words
        assert len(words.split()) <= 16, f"{cls.__name__}.{field.name}: {len(words.split())} words"
        assert words.lower() != field.name.replace("_", " "), (
            f"{cls.__name__}.{field.name} only repeats its name"
        )
        if field.name not in NEUTRAL:
            assert field.default is field.default_factory is dataclasses.MISSING, "defaults are in conf/"


def test_every_class_with_settings_is_a_choice_in_conf_and_exists() -> None:
    named = {
        value
        for name in FILES
        for key, value in values_in(FOLDER / f"{name}.yaml").items()
        if key == "_target_" and not value.startswith("hydra_plugins.")
    }
    assert named - BY_SIGNATURE == {
        target for room in ROOMS if room != "toy_conf" for target in _declared_in(room)
    }
    for target in named:
        assert signature_of(load_target(target))


def lines_of(config: str) -> list[tuple[str, ...]]:
    """Lines that have each choice once: a choice of every group together, a preset by itself."""
    groups = [[f"{group.name}={choice}" for choice in group.choices] for group in groups_of(config, [FOLDER])]
    presets = [each for group in groups for each in group if each.startswith(("experiment=", "debug="))]
    rows = zip_longest(*(group for group in groups if not set(group) & set(presets)))
    return [(), *((each,) for each in presets), *(tuple(filter(None, row)) for row in rows)]


LINES = [(config, line) for config in CONFIGS for line in lines_of(config)]


@pytest.mark.parametrize(
    ("config", "line"), LINES, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_every_choice_composes_and_every_part_is_typed(config: str, line: tuple[str, ...]) -> None:
    """Of each choice alone, tests/config/test_every_choice_builds.py even builds the parts."""
    with session():
        composed, problems = checker_of(config).check(line, may_miss=True)
    assert problems == []
    assert composed is not None
    assert {invalid.key for invalid in invalid_values(composed) if invalid.missing} <= {"data.path", "run"}, (
        "conf/ has no value"
    )
    untyped = list(untyped_parts(composed, ""))
    assert untyped == [], "parts without a settings class, in which misspelt keys would pass"


def untyped_parts(node: DictConfig, path: str) -> list[str]:
    own = [] if dataclasses.is_dataclass(OmegaConf.get_type(node)) or path in FREE else [path]
    for key in node:
        child = node._get_node(key)
        if (
            isinstance(child, DictConfig)
            and key != "hydra"
            and not child._is_missing()
            and not child._is_none()
        ):
            own += untyped_parts(child, f"{path}.{key}".lstrip("."))
    return own


def test_the_lines_have_each_choice_once() -> None:
    assert sorted((config, choice) for config, line in LINES for choice in line) == sorted(CHOICES)


def test_every_file_can_be_reached_from_a_verb() -> None:
    reached = {choice.partition("@")[0].replace("=", "/") for _, choice in CHOICES}
    reached |= {
        choice.partition("@")[0] + "/" + choice.partition("=")[2] for _, choice in CHOICES if "@" in choice
    }
    reached |= {*CONFIGS, "hydra/etude"}
    reached |= {name for name in FILES if name.startswith(("hydra/launcher/", "hydra/sweeper/"))}
    built_on = {
        f"{Path(name).parent.as_posix()}/{entry}"
        for name in FILES
        for entry in defaults(name)
        if isinstance(entry, str)
    }
    built_on |= {"shared/corpus"}  # which the corpora name by an absolute path
    assert set(FILES) <= reached | built_on


@pytest.mark.parametrize(
    ("content", "sets"),
    [
        (b"width: 3", True),
        (b"defaults: [base, _self_]", True),
        (b"depth: 3", False),
        (b"# @package other.node\nwidth: 3", False),
        (b"- width", False),
        (b'width: "3', False),
        (b"width: \xff", False),
        (b"defaults: [nothing]\nwidth: 3", False),
        (b"defaults: [mine]\nwidth: 3", False),
        (b"defaults: 3\ndepth: 3", False),
    ],
)
def test_a_file_sets_the_keys_that_can_be_read_in_it_for_its_group(
    tmp_path: Path, content: bytes, sets: bool
) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "base.yaml").write_text("width: 1")
    (tmp_path / "net" / "mine.yaml").write_bytes(content)
    assert sets_key("net/mine", "width", [tmp_path]) == sets
