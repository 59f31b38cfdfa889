from dataclasses import dataclass, field
from typing import Any

from omegaconf import OmegaConf

from etude.config.fields import setting
from etude.config.validation import InvalidValue, KeyInfo, find, invalid_values, keys_of


@dataclass
class Voice:
    low: int = setting(low=0)


@dataclass
class Choir:
    voices: list[Voice] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    anything: Any = None


def test_a_key_forced_into_a_schema_is_found() -> None:
    config = OmegaConf.structured(Choir)
    OmegaConf.update(config, "stray", 1, force_add=True)
    assert list(invalid_values(config)) == [InvalidValue("stray", None, "no such key")]


def test_parts_inside_lists_are_looked_at() -> None:
    config = OmegaConf.merge(OmegaConf.structured(Choir), {"voices": [{"low": 1}, {"low": -1}]})
    assert list(invalid_values(config)) == [InvalidValue("voices.1.low", -1, "must be at least 0, got -1")]


def test_a_stored_target_outside_the_allowlist_is_a_fault() -> None:
    config = OmegaConf.create({"a": {"_target_": "os.system"}, "b": {"_target_": "torch.optim.Adam"}})
    ((key, value),) = [(invalid.key, invalid.value) for invalid in invalid_values(config, stored=True)]
    assert (key, value) == ("a._target_", "os.system")


def test_a_missing_setting_is_named_once_however_many_refer_to_it() -> None:
    config = OmegaConf.create({"run": "???", "name": "${run}", "other": "${nowhere}"})
    found = list(invalid_values(config))
    assert [(invalid.key, invalid.missing) for invalid in found] == [("run", True), ("other", False)]
    assert found[1].value == "${nowhere}"


def test_places() -> None:
    config = OmegaConf.merge(OmegaConf.structured(Choir), {"voices": [{"low": 1}], "notes": {"a": 1}})
    assert find(config, "voices.0.low") == KeyInfo(exists=True, fixed=True, takes=int)
    assert find(config, "voices.0") == KeyInfo(exists=True, fixed=True)
    assert find(config, "voices.1.low") == KeyInfo(exists=False, fixed=True)
    assert find(config, "voices.0.high") == KeyInfo(exists=False, fixed=True)
    # a mapping may grow, a schema may not
    assert find(config, "notes.b") == KeyInfo(exists=False, fixed=False)
    assert find(config, "nots.b") == KeyInfo(exists=False, fixed=True)


def test_keys_are_dotted_and_hydras_own_left_out() -> None:
    config = OmegaConf.create({"hydra": {"x": 1}, "a": {"hydra": 1, "b": None}, "c": "???"})
    assert list(keys_of(config)) == ["a", "a.hydra", "a.b", "c"]
