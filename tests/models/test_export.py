"""Exported weights give the steps of the trained network; a stranger's or damaged file is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from etude import api
from etude.errors import EtudeError
from etude.models import export, pretrained
from etude.models.checkpoint import load_model
from etude.models.export import export_weights, step_difference
from etude.models.weights_file import weights_bytes
from etude.runs.lookup import OUTPUTS, find_checkpoint, named_again
from networks import CHOICES, V, model_of, ready


@pytest.mark.parametrize("choice", CHOICES)
def test_float32_weights_give_every_step_of_the_network(choice: str, tmp_path: Path) -> None:
    path, model = tmp_path / "model.safetensors", model_of(choice)
    assert export_weights(model, "f" * 64, path, torch.float32) == 0
    again = load_model(path)
    assert again.vocabulary == model.vocabulary
    assert step_difference(model.network, again.network, V) == 0
    stored, loaded = model.network.state_dict(), again.network.state_dict()
    assert stored.keys() == loaded.keys()
    assert all(torch.equal(stored[name], loaded[name]) for name in stored)


def test_bfloat16_weights_take_half_the_space_and_give_the_steps_of_the_rounded_network(
    tmp_path: Path,
) -> None:
    path, model = tmp_path / "model.safetensors", model_of("lstm")
    difference = export_weights(model, "f" * 64, path, torch.bfloat16)
    assert 0 < difference < 0.1
    rounded = ready("lstm")
    rounded.load_state_dict({name: each.bfloat16().float() for name, each in rounded.state_dict().items()})
    assert step_difference(rounded.network, load_model(path).network, V) == 0
    weights = sum(each.numel() for each in model.network.state_dict().values())
    with safe_open(path, framework="pt") as file:
        text = len(file.metadata()["etude"].encode())
    assert path.stat().st_size < 2 * weights + 2 * text


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        export_weights(model_of("lstm"), "f" * 64, tmp_path / f"{name}.safetensors", torch.bfloat16)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_folders_and_mirrors_of_the_machine_stay_here(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    export_weights(model_of("lstm"), "f" * 64, path, torch.float32)
    assert b"lovelace" not in path.read_bytes()
    config = load_model(path).config
    assert (config["outputs_dir"], config["data"]["data_dir"], config["data"]["mirror"]) == (
        "outputs",
        "data",
        None,
    )


def test_a_file_that_gives_other_steps_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    monkeypatch.setattr(export, "step_difference", lambda *_: 0.5)
    with pytest.raises(EtudeError, match="would not give the steps"):
        export_weights(model_of("lstm"), "f" * 64, path, torch.float32)
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"\xff" * 100, save({"a": torch.zeros(2)}), save({"a": torch.zeros(2)}, {"etude": "{"}),
     save({"a": torch.zeros(2)}, {"etude": "[" * 100_000}), save({"a": torch.zeros(2)}, {"etude": "[]"}),
     save({}, {"etude": '{"format": 2}'}), save({}, {"etude": '{"format": 1}'})],
)  # fmt: skip
def test_a_file_of_another_kind_is_refused_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(EtudeError, match=r"model\.safetensors"):
        load_model(path)


@pytest.mark.parametrize("target", ["os.system", "subprocess.Popen", "etude.models.lstm.OneHot"])
def test_a_file_names_nothing_that_is_run(target: str, tmp_path: Path) -> None:
    path, model = tmp_path / "model.safetensors", model_of("lstm")
    export_weights(model, "f" * 64, path, torch.float32)
    with safe_open(path, framework="pt") as file:
        about: dict[str, Any] = json.loads(file.metadata()["etude"])
    about["config"]["model"]["_target_"] = target
    path.write_bytes(weights_bytes(about, ready("lstm").state_dict(), torch.float32))
    with pytest.raises(EtudeError):
        load_model(path)


def test_a_model_that_comes_with_etude_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    export_weights(model_of("lstm"), "f" * 64, tmp_path / "toy.safetensors", torch.float32)
    assert find_checkpoint("pretrained/toy") == (
        tmp_path / "toy.safetensors", OUTPUTS / "pretrained" / "toy" / "samples",
    )  # fmt: skip
    assert named_again("pretrained/toy", find_checkpoint("pretrained/toy")[0])[0] == Path("pretrained/toy")
    assert len(api.load_run("pretrained/toy").sample(1, max_tokens=8, seed=0)) == 1
    with pytest.raises(EtudeError, match="there is no pretrained/tex; the trained models are pretrained/toy"):
        find_checkpoint("pretrained/tex")
