"""Checkpoints: what a file must hold to be used without its run, and how it is opened."""

from __future__ import annotations

import inspect
import pickle
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from etude.config.build import build_as
from etude.config.targets import STORED, load_target
from etude.encodings import Encoding, all_encodings
from etude.encodings.settings import EncodingConfig
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.module import SequenceModule
from etude.models.network import Network
from etude.models.schedules import Schedule
from etude.models.settings import ModelConfig, OptimizerConfig, ScheduleConfig

FORMAT = 2  # of the metadata


@dataclass(frozen=True)
class TrainedModel:
    """A network with all that is needed to use it; ``config`` is the resolved training config, plain."""

    module: SequenceModule
    encoding: Encoding
    vocabulary: Vocabulary
    config: dict[str, Any]


def metadata(config: dict[str, Any], vocabulary: Vocabulary, fingerprint: str) -> dict[str, Any]:
    """Return the plain values that a checkpoint carries beside the weights."""
    return {
        "format": FORMAT,
        "config": config,
        "vocabulary": list(vocabulary.tokens),
        "corpus_fingerprint": fingerprint,
    }


def build_module(config: dict[str, Any], vocabulary: Vocabulary) -> SequenceModule:
    """Return the untrained module that a training config names."""
    module = _network_module(config, vocabulary)
    module.schedule = build_as(Schedule, config["schedule"], ScheduleConfig)
    return module


def _network_module(config: dict[str, Any], vocabulary: Vocabulary) -> SequenceModule:
    """Wrap the network that a config names in its module; a `_target_` may name a module as well."""
    size = len(vocabulary)
    optimizer = partial(build_as, torch.optim.Optimizer, config["optim"], OptimizerConfig)
    found = load_target(config["model"]["_target_"], STORED)
    if inspect.isclass(found) and issubclass(found, SequenceModule):
        module: SequenceModule = build_as(
            SequenceModule, config["model"], ModelConfig, vocabulary_size=size, optimizer=optimizer
        )
        return module
    network: Network = build_as(Network, config["model"], ModelConfig, vocabulary_size=size)
    made: SequenceModule = (network.module_class or SequenceModule)(
        config["model"]["name"], network, size, optimizer
    )
    return made


def is_whole(path: Path) -> bool:
    """Whether a file is a checkpoint in which no bit has changed (torch.save keeps check sums)."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, EOFError):
        return False


def load_model(path: Path) -> TrainedModel:
    """Open a checkpoint for use on the CPU; EtudeError if the file is not one of ours.

    Only tensors and plain values are read (``weights_only=True``), and nothing is built from them but a
    model, an optimizer and an encoding: opening a stranger's file runs no code of theirs.
    """
    if not path.exists():
        raise EtudeError(f"there is no checkpoint {path}")
    if not is_whole(path):
        raise EtudeError(f"{path} is not a checkpoint of Étude's, or is damaged")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        stored = content["etude"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
        raise EtudeError(f"{path} is not a checkpoint of Étude's ({type(error).__name__})") from error
    if stored["format"] != FORMAT:
        raise EtudeError(
            f"{path} was made by another version of Étude (format {stored['format']}, here {FORMAT}); "
            "train it again, or open it with that version"
        )
    config = stored["config"]
    vocabulary = Vocabulary(stored["vocabulary"])
    module = _network_module(config, vocabulary)
    module.load_state_dict(content["state_dict"])
    module.eval()
    encoding: Encoding = build_as(all_encodings(), config["data"]["encoding"], EncodingConfig)
    return TrainedModel(module, encoding, vocabulary, config)
