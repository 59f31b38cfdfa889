"""Contract with Hydra's private API, which one file alone uses."""

import inspect
import re
from pathlib import Path

import pytest
from hydra.errors import ConfigCompositionException
from hydra.types import RunMode
from omegaconf import OmegaConf

import etude
from etude.config import hydra_adapter as adapter
from etude.config.session import session

SOURCES = Path(etude.__file__).parents[1]


def test_no_other_file_uses_hydras_private_api() -> None:
    private = re.compile(r"hydra\._internal|ConfigLoaderImpl|BasicSweeper\b|\bhydra\._\w+\(")
    users = [path.name for path in SOURCES.rglob("*.py") if private.search(path.read_text("utf-8"))]
    assert users == ["hydra_adapter.py"]


def test_the_calls_that_are_made_exist() -> None:
    """The methods of Hydra's own classes, with the arguments that are handed to them."""
    calls = {
        "run": ("config_name", "task_function", "overrides"),
        "multirun": ("config_name", "task_function", "overrides"),
        "compose_config": ("config_name", "overrides", "run_mode", "with_log_configuration"),
        "show_cfg": ("config_name", "overrides", "cfg_type", "package", "resolve"),
        "show_info": ("info", "config_name", "overrides"),
        "hydra_help": ("config_name", "args_parser", "args"),
        "shell_completion": ("config_name", "overrides"),
    }
    for name, arguments in calls.items():
        assert set(arguments) <= set(inspect.signature(getattr(adapter.Hydra, name)).parameters), name
    assert {"on_multirun_start", "on_multirun_end"} <= set(dir(adapter.Callbacks))


def test_jobs_are_split_into_batches() -> None:
    assert list(adapter.batches([1, 2, 3], 2)) == [[1, 2], [3]]
    assert list(adapter.batches([1, 2, 3], None)) == [[1, 2, 3]]
    assert list(adapter.batches([], None)) == []


def test_an_override_is_applied_to_typed_nodes() -> None:
    config = OmegaConf.create({"a": {"b": 1}})
    OmegaConf.set_struct(config, True)
    adapter.apply_override(adapter.parse_override("a.b=2"), config)
    assert config.a.b == 2
    with pytest.raises(ConfigCompositionException):
        adapter.apply_override(adapter.parse_override("a.c=2"), config)


def test_a_configuration_is_typed_before_overrides_are_applied_and_remembers_what_did_not_fit(
    toy: Path,
) -> None:
    with session(toy) as hydra:
        loader = hydra.config_loader
        assert isinstance(loader, adapter.Loader)
        config = loader.load_configuration("toy", ["net.dropout=0", "extras=broken"], RunMode.RUN)
        assert (type(config.net.dropout), config.net.dropout) == (float, 0.0)
        assert [(each.misfit.key, each.file) for each in loader.wrong] == [("net.widht", "extras/broken")]
        loader.load_configuration("toy", [], RunMode.RUN)
        assert loader.wrong == []
        assert loader.get_group_options("net") == ["large", "small"]


def test_the_same_files_are_composed_once_and_no_composition_alters_another(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = []
    compose = adapter.Loader._compose_and_type
    monkeypatch.setattr(
        adapter.Loader, "_compose_and_type", lambda *each: composed.append(1) or compose(*each)
    )
    with session(toy) as hydra:
        load = hydra.config_loader.load_configuration
        changed = load("toy", ["extras=broken", "net.width=3", "net.sizes=[9]"], RunMode.RUN)
        changed.net.bias, wrong = False, list(hydra.config_loader.wrong)
        assert load("toy", ["net=large"], RunMode.RUN).net.width == 512
        again = load("toy", ["extras=broken"], RunMode.RUN)
        assert (again.net.width, again.net.bias, again.net.sizes) == (8, True, [1, 2])
        assert hydra.config_loader.wrong == wrong != []
        assert len(composed) == 2
        assert load("toy", ["corpus._target_=etude.toy.Scores"], RunMode.RUN).corpus.keys() == {
            "_target_",
            "folder",
        }
        assert load("toy", [], RunMode.RUN).corpus.keys() == {"_target_", "files"}
        assert len(composed) == 4


def test_a_default_may_follow_another_choice(tmp_path: Path) -> None:
    for name in ("net/large", "net/small", "hint/large", "hint/small"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.yaml").write_text(f"of: {name}\n")
    (tmp_path / "main.yaml").write_text("defaults: [net: large, hint: '${net}', _self_]\n")
    with session(tmp_path) as hydra:
        load = hydra.config_loader.load_configuration
        assert load("main", [], RunMode.RUN).hint.of == "hint/large"
        assert load("main", ["net=small"], RunMode.RUN).hint.of == "hint/small"


def test_flags_are_known_by_every_spelling() -> None:
    assert {"--multirun", "-m", "--cfg", "--config-dir", "--info"} <= set(adapter.option_strings())
