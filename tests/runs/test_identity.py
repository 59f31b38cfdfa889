"""A run's identity: settings that count, settings that do not, and the folder name."""

import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from etude.config.compose import compose
from etude.runs.identity import (
    LONGEST_NAME,
    NEUTRAL,
    NOT_IDENTITY,
    flatten,
    folder_name,
    identity,
    leaf,
    settings_name,
    signature,
)

OmegaDict = dict[str, Any]


@pytest.fixture(scope="module")
def defaults() -> OmegaDict:
    return OmegaConf.to_container(compose("train"), resolve=True)  # type: ignore[return-value]


def changed(config: OmegaDict, key: str, value: object) -> OmegaDict:
    copied = copy.deepcopy(config)
    node = copied
    *parents, last = key.split(".")
    for parent in parents:
        node = node[parent]
    assert last in node
    node[last] = value
    return copied


def test_every_excluded_setting_exists(defaults: OmegaDict) -> None:
    folder = compose("train", ["data=midi_folder", "data.path=somewhere", "data/encoding=miditok"])
    leaves = {*flatten(defaults), *flatten(OmegaConf.to_container(folder, resolve=True))}  # type: ignore[arg-type]
    for key in NOT_IDENTITY:
        assert any(each == key or each.startswith(f"{key}.") for each in leaves), key


def test_every_other_setting_changes_the_signature_and_none_of_those(defaults: OmegaDict) -> None:
    original = signature(defaults, "corpus")
    counted = identity(defaults)
    for key in flatten(defaults):
        other = signature(changed(defaults, key, "another value"), "corpus")
        empty = flatten(defaults)[key] == {}  # of nodes; one more counts
        assert (other != original) == (key in counted or empty or key in NEUTRAL), key


TREES = st.recursive(
    st.sampled_from((None, 1, "x", [1])), lambda below: st.dictionaries(st.sampled_from("abc"), below)
)


@given(st.dictionaries(st.sampled_from("abc"), TREES), st.lists(st.sampled_from("abc"), min_size=1))
def test_a_leaf_is_found_without_flattening(config: OmegaDict, parts: list[str]) -> None:
    key = ".".join(parts)
    assert leaf(config, key) == flatten(config).get(key)
    for key, value in flatten(config).items():
        assert leaf(config, key) == value


def test_a_neutral_value_counts_like_a_key_that_is_not_there(defaults: OmegaDict) -> None:
    neutral = {key for key, value in flatten(defaults).items() if key in NEUTRAL and value == NEUTRAL[key]}
    assert len(neutral) > 12
    assert not neutral & identity(defaults).keys()
    without = {**defaults, "trainer": {**defaults["trainer"]}}
    del without["trainer"]["max_steps"]
    assert signature(without, "corpus") == signature(defaults, "corpus")
    assert folder_name(changed(defaults, "trainer.max_steps", 9), defaults, "f").startswith("max_steps-9_")


def test_another_corpus_is_another_run(defaults: OmegaDict) -> None:
    assert signature(defaults, "one") != signature(defaults, "two")


def test_the_folder_name_says_what_was_changed(defaults: OmegaDict) -> None:
    assert folder_name(defaults, defaults, "f" * 64).startswith("default_")
    wider = changed(defaults, "model.hidden_dim", 256)
    assert folder_name(wider, defaults, "f").startswith("hidden_dim-256_")
    labelled = changed(wider, "label", "again")
    assert folder_name(labelled, defaults, "f").startswith("again_hidden_dim-256_")
    heavy = {**defaults, "optim": {**defaults["optim"], "weight_decay": 3e38}}
    assert folder_name(heavy, defaults, "f").startswith("weight_decay-3e38_")
    assert folder_name(wider, defaults, signature(wider, "f")).endswith(signature(wider, "f")[:8])


def test_a_folder_name_is_short_and_free_of_what_shells_and_file_systems_dislike(defaults: OmegaDict) -> None:
    wild = changed(defaults, "label", "a/b=c $(x)*é" + "long" * 60)
    name = folder_name(wild, defaults, "f")
    assert len(name) <= LONGEST_NAME + 9
    assert re.fullmatch(r"[\w.-]+", name, re.ASCII)


def test_the_signature_of_the_default_training_changes_only_on_purpose(defaults: OmegaDict) -> None:
    """When this fails, finished runs would be trained again: raise FORMAT, say so, pin anew."""
    assert signature(defaults, "corpus")[:8] == "c53524e2"


def test_the_folder_name_shows_another_class(defaults: OmegaDict) -> None:
    other = changed(defaults, "optim._target_", "torch.optim.AdamW")
    assert folder_name(other, defaults, "f").startswith("optim-AdamW_")
    many = {"optim": {f"another_setting_{number}": 1 for number in range(9)} | other["optim"]}
    assert folder_name(other | many, defaults, "f").startswith("optim-AdamW_another_setting_0-1_")


def test_a_folder_of_samples_is_named_by_what_is_not_usual() -> None:
    usual = {"checkpoint": "best", "temperature": 0.8, "seed": 0, "primer": "", "primer_file": None}
    plain = settings_name(usual, usual)
    assert re.fullmatch(r"temperature-0\.8_seed-0_[0-9a-f]{8}", plain)
    changed = settings_name({**usual, "checkpoint": "last", "primer": "C4 D4 $(rm)"}, usual)
    assert re.fullmatch(r"temperature-0\.8_seed-0_checkpoint-last_primer-C4-D4-rm_[0-9a-f]{8}", changed)
    file = settings_name({**usual, "primer_file": "/home/me/band.mid"}, usual)
    assert "primer_file-band.mid" in file
    assert "home" not in file
    long = settings_name({**usual, "primer": "60 _ _ _ " * 50}, usual)
    assert len(long) < 90
