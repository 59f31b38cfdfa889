"""`etude export RUN FILE.safetensors` and FILE.onnx: their arguments, files and refusals."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from etude.cli import main
from etude.config.resolved import ResolvedConfig
from etude.models.checkpoint import load_model, metadata
from etude.models.pretrained import pretrained
from networks import VOCABULARY, config_of, ready
from run_folders import made_up


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    found = made_up(tmp_path / "outputs").path
    about = metadata(ResolvedConfig(config_of("lstm")), VOCABULARY, "f" * 64)
    torch.save(
        {"etude": about, "state_dict": ready("lstm").state_dict()}, found / "checkpoints" / "best.ckpt"
    )
    return found


def test_the_weights_are_written_and_sampled_into_a_folder_of_ones_own(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "latest", "model.safetensors"]) == 0
    assert "step by step the same" in capsys.readouterr().out
    assert load_model(Path("model.safetensors")).vocabulary == VOCABULARY
    words = ["sampling.forms=[midi]", "sampling.num_samples=1", "sampling.max_tokens=8", "samples_dir=mine"]
    assert main(["sample", "run=model.safetensors", *words]) == 0
    assert len(list(Path("mine").rglob("*.mid"))) == 1
    assert not list(tmp_path.glob("model-samples"))


def test_rounded_weights_say_by_how_much(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "latest", "model.safetensors", "--bfloat16"]) == 0
    assert "nats at each step" in capsys.readouterr().out


def test_an_onnx_file_says_how_far_its_steps_differ(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    assert main(["export", "latest", "model.onnx"]) == 0
    assert re.search(
        r"model\.onnx: the network of .+; within [\de.-]+ nats at each step", capsys.readouterr().out
    )
    assert main(["export", "latest", "model.onnx"]) == 2
    assert "model.onnx exists; it is not overwritten" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["there.safetensors"], "there.safetensors exists; it is not overwritten"),
        (["nowhere/model.safetensors"], "there is no folder nowhere"),
        (["run.zip", "--bfloat16"], "--bfloat16 is for FILE.safetensors"),
        (["model.onnx", "--bfloat16"], "--bfloat16 is for FILE.safetensors"),
    ],
)
def test_what_cannot_be_written_is_said(
    run: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("there.safetensors").write_text("")
    assert main(["export", "latest", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_model_that_comes_with_etude_is_exported_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", "pretrained/erk", "erk.safetensors", "--bfloat16"]) == 0
    assert Path("erk.safetensors").read_bytes() == pretrained("pretrained/erk").read_bytes()
    assert main(["export", "pretrained/erk", "erk.zip"]) == 2
    assert "pretrained/erk has weights and no run; type a FILE.safetensors" in capsys.readouterr().err
    assert main(["export", "pretrained/nothing", "nothing.onnx"]) == 2
    assert "there is no pretrained/nothing; the trained models are" in capsys.readouterr().err
