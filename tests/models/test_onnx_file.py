"""An ONNX file gives the steps of the trained network in another program, from its first token on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from etude.errors import EtudeError
from etude.models import onnx_file
from etude.models.onnx_file import CLOSE, export_onnx, start_state
from networks import CHOICES, VOCABULARY, V, ids, model_of, ready

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
LONG = 70  # tokens, more than any window, and more than the distances of the small transformer


def session_of(path: Path) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("choice", [choice for choice in CHOICES if choice != "markov"])
def test_steps_from_a_state_of_zeros_give_the_logits_of_one_pass(choice: str, tmp_path: Path) -> None:
    small = {"max_distance": 16} if choice == "music_transformer" else {}
    path, model, sequence = tmp_path / "model.onnx", model_of(choice, **small), ids(3, LONG)
    assert 0 <= export_onnx(model, "f" * 64, path) < CLOSE
    assert not model.network.training
    with torch.inference_mode():
        whole, _ = model.network(sequence)
    session = session_of(path)
    state, steps = start_state(session, 3), []
    for column in sequence.T:
        logits, *after = session.run(None, {"ids": column.numpy(), **state})
        state = dict(zip(state, after, strict=True))
        steps.append(logits)
    assert np.allclose(np.stack(steps, axis=1), whole.numpy(), atol=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_the_file_holds_vocabulary_and_settings_but_no_place_on_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(model_of("lstm"), "f" * 64, path)
    about = json.loads(session_of(path).get_modelmeta().custom_metadata_map["etude"])
    assert about["vocabulary"] == list(VOCABULARY.tokens)
    assert about["config"]["model"]["hidden_dim"] == 32
    assert b"lovelace" not in path.read_bytes()


def test_a_markov_chain_is_refused_with_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(EtudeError, match=r"has no ONNX form; type FILE\.safetensors"):
        export_onnx(model_of("markov"), "f" * 64, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("difference", [CLOSE, float("inf"), float("nan")])
def test_a_file_that_gives_other_steps_is_not_written(
    difference: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "onnx_difference", lambda *_: difference)
    with pytest.raises(EtudeError, match="would not give the steps"):
        export_onnx(model_of("ffn"), "f" * 64, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_another_network_s_file_differs(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(model_of("lstm"), "f" * 64, path)
    other = ready("lstm").network
    with torch.no_grad():
        other.linear.bias[0] += 1
    assert onnx_file.onnx_difference(other, path.read_bytes(), V) > 0.1


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EtudeError, match="pip install onnx onnxruntime"):
        export_onnx(model_of("lstm"), "f" * 64, tmp_path / "model.onnx")


def test_a_state_of_anything_else_is_refused() -> None:
    with pytest.raises(EtudeError, match="the network's state holds a dict"):
        onnx_file.tensors_of(({"h": torch.zeros(1)},))
