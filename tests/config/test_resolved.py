"""ResolvedConfig: a read-only mapping that nothing done to it or to its source alters."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from etude.config.resolved import ResolvedConfig

keys = st.text("abcdefgh_", min_size=1, max_size=4)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("abc: #'0", max_size=6)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
settings = st.dictionaries(keys, values, max_size=3)


@given(settings)
def test_it_is_the_mapping_of_its_settings(given: dict[str, Any]) -> None:
    config = ResolvedConfig(given)
    assert isinstance(config, Mapping)
    assert config == given == ResolvedConfig(config)
    assert list(config.items()) == list(given.items())  # in the order of the YAML
    assert len(config) == len(given)
    assert eval(repr(config), {"ResolvedConfig": ResolvedConfig, "inf": float("inf")}) == config


@given(settings)
def test_json_yaml_and_pickle_give_it_back(given: dict[str, Any]) -> None:
    config = ResolvedConfig(given)
    stored = config.as_dict()
    assert type(stored) is dict
    assert json.loads(json.dumps(stored)) == config
    assert yaml.safe_load(yaml.safe_dump(stored)) == config
    assert pickle.loads(pickle.dumps(config)) == config


@given(settings, settings)
def test_a_changed_copy_has_the_new_values_and_all_others(given: dict[str, Any], new: dict[str, Any]) -> None:
    config, before = ResolvedConfig(given), deepcopy(given)
    changed = config.changed(**new)
    assert isinstance(changed, ResolvedConfig)
    assert set(changed) == {*given, *new}
    assert all(changed[key] == (new[key] if key in new else given[key]) for key in changed)
    assert config == before


@given(settings, settings)
def test_neither_its_source_nor_its_dict_alters_it(given: dict[str, Any], new: dict[str, Any]) -> None:
    config, before = ResolvedConfig(given), deepcopy(given)
    given.update(new)
    config.as_dict().update(new)
    given.clear()
    config.as_dict().clear()
    assert config == before


def test_no_setting_can_be_assigned_or_deleted() -> None:
    config = ResolvedConfig({"seed": 0})
    with pytest.raises(TypeError):
        config["seed"] = 1  # type: ignore[index]
    with pytest.raises(TypeError):
        del config["seed"]  # type: ignore[attr-defined]
    with pytest.raises(KeyError, match="label"):
        config["label"]
    assert config == {"seed": 0}
