"""Every network of conf/model/, small: built as a training builds it, from the composed configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from composed import composed
from etude.config.build import build
from etude.config.conf_files import conf_dir
from etude.config.fields import from_plain
from etude.config.resolved import ResolvedConfig
from etude.encodings import Encoding, GridEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.models.checkpoint import TrainedModel, load_model
from etude.models.copy_memory import CopyMemory
from etude.models.export import export_weights
from etude.models.markov_module import MarkovModule
from etude.models.module import SequenceModule, build_module
from etude.models.onnx_file import CLOSE, export_onnx
from etude.training.settings import TrainSettings

CHOICES = [path.stem for path in sorted((conf_dir() / "model").glob("*.yaml"))]
TRAINED = [choice for choice in CHOICES if choice != "markov"]  # by gradients
VOCABULARY = Vocabulary.of([str(pitch) for pitch in range(60, 70)])
V = len(VOCABULARY)
ENCODING = GridEncoding()

# Toy values for the settings that a model has; a new model's own ones are added here.
SMALL = {
    "embedding_dim": 8,
    "hidden_dim": 32,
    "num_layers": 2,
    "dropout": 0.0,
    "window": 5,
    "context": 4,
    "ngram": 4,
}


def config_of(choice: str, **changes: Any) -> dict[str, Any]:
    """The resolved training config of a model at toy size; ``changes`` are keys of the model."""
    return toy_config(f"model={choice}", **changes)


def toy_config(override: str, **changes: Any) -> dict[str, Any]:
    """The same with the model of an override."""
    config = composed("train", override)
    small = {key: value for key, value in SMALL.items() if key in config["model"]}
    return {**config, "model": {**config["model"], **small, **changes}}


def network_of(choice: str, vocabulary_size: int = V, *, seed: int = 0, **changes: Any) -> Any:
    """A network by itself, the same at each call."""
    torch.manual_seed(seed)
    return build(config_of(choice, **changes)["model"], vocabulary_size=vocabulary_size)


def module_from(
    config: Mapping[str, Any], vocabulary: Vocabulary = VOCABULARY, encoding: Encoding = ENCODING
) -> SequenceModule:
    """The untrained module of a training config."""
    settings = from_plain(TrainSettings, config)
    return build_module(settings.model, settings.optim, settings.schedule, vocabulary, encoding)


def module_of(choice: str, **changes: Any) -> SequenceModule:
    """Untrained model, the same at each call."""
    torch.manual_seed(0)
    return module_from(config_of(choice, **changes))


def ready(choice: str, **changes: Any) -> SequenceModule:
    """A model in eval mode that has seen some batches or counted some pieces: its statistics are not zero."""
    module = module_of(choice, **changes)
    if isinstance(module, MarkovModule):
        pieces = [np.append(ids(1, 40, seed=seed)[0], 0) for seed in range(20)]
        module.network.ngram.count(pieces)
    module.train()
    for seed in range(3):
        module.network(ids(8, 12, seed=seed + 100))
    return module.eval()


def model_of(choice: str, **changes: Any) -> TrainedModel:
    """A model as :func:`ready`, from a training in folders of its own."""
    config = config_of(choice, **changes)
    config["data"] |= {"data_dir": "/home/lovelace/data", "mirror": "http://lovelace.example"}
    config["outputs_dir"] = "/home/lovelace/outputs"
    return TrainedModel(ready(choice, **changes).network, ENCODING, VOCABULARY, ResolvedConfig(config))


def check_files(model: TrainedModel, sequence: torch.Tensor, folder: Path) -> None:
    """Check that an export gives the logits of a model, and an ONNX file its steps."""
    assert export_weights(model, "f" * 64, folder / "model.safetensors", torch.float32) == 0
    opened = load_model(folder / "model.safetensors").network
    assert torch.equal(opened(sequence)[0], model.network(sequence)[0])
    pytest.importorskip("onnxruntime")
    assert export_onnx(model, "f" * 64, folder / "model.onnx") < CLOSE


def ids(batch: int, time: int, seed: int = 1) -> torch.Tensor:
    """Random ids (batch, time)."""
    return torch.randint(V, (batch, time), generator=torch.Generator().manual_seed(seed))


def check_steps_of_memory(memory: CopyMemory, sequence: torch.Tensor, start: int) -> None:
    """Assert that each step of a memory, after ``start`` tokens at once, is the last position of a pass."""
    _, _, matches = memory(sequence[:, :start], start) if start else (None, None, sequence[:, :0])
    for size in range(start + 1, sequence.shape[1] + 1):
        copied, length, expected = memory(sequence[:, :size], 1)
        found, found_length, matches = memory.step(sequence[:, :size], matches)
        assert torch.equal(matches[:, :-1], expected[:, :-1])
        assert torch.equal(found_length, length)
        assert torch.allclose(found, copied, atol=1e-6)
