"""Every shipped choice of every group becomes the object that it names."""

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from composed import composed
from etude.config.build import build
from etude.config.conf_files import conf_dir
from etude.corpora.prepared import PreparedCorpus
from etude.encodings.vocabulary import Vocabulary
from networks import module_from

VOCABULARY = Vocabulary.of(["60", "62", "_", "r"])


def choices(group: str) -> list[str]:
    return [path.stem for path in sorted((conf_dir() / group).glob("*.yaml"))]


def training(*overrides: str) -> dict[str, Any]:
    return composed("train", *overrides, *(["data.path=somewhere"] if needs_path(overrides) else []))


def needs_path(overrides: tuple[str, ...]) -> bool:
    files = [conf_dir() / "data" / f"{word.removeprefix('data=')}.yaml" for word in overrides]
    return any(file.is_file() and "path: ???" in file.read_text() for file in files)


@pytest.mark.parametrize("choice", choices("data"))
def test_data(choice: str) -> None:
    data = build(training(f"data={choice}")["data"])
    assert isinstance(data, PreparedCorpus)


@pytest.mark.parametrize("choice", choices("data/encoding"))
def test_encoding(choice: str) -> None:
    encoding = build(training(f"data/encoding={choice}")["data"]["encoding"])
    assert encoding.decode([]).piece.length == 0


@pytest.mark.parametrize("choice", choices("model"))
@pytest.mark.parametrize("optim", choices("optim"))
def test_model_and_optim(choice: str, optim: str) -> None:
    # composed one by one: for each pair it takes four times as long
    optimizer = training(f"optim={optim}", "schedule=constant")
    module = module_from({**optimizer, "model": training(f"model={choice}")["model"]}, VOCABULARY)
    logits, _ = module(torch.zeros(2, 3, dtype=torch.long))
    assert logits.shape == (2, 3, len(VOCABULARY))
    assert isinstance(module.configure_optimizers(), torch.optim.Optimizer)


@pytest.mark.parametrize("choice", choices("trainer"))
def test_trainer(choice: str, tmp_path: Path) -> None:
    settings = training(f"trainer={choice}")["trainer"]
    trainer = pl.Trainer(**settings, default_root_dir=tmp_path, logger=False, enable_checkpointing=False)
    assert trainer.max_epochs == settings["max_epochs"]
