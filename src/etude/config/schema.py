"""The settings class of each file in conf/, by group and name; the classes are in the rooms that use them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hydra.core.config_store import ConfigStore

SCHEMAS: dict[str, dict[str, str]] = {
    "": {
        "train": "etude.commands.settings:TrainSettings",
        "sample": "etude.commands.settings:SampleSettings",
        "prepare": "etude.commands.settings:PrepareSettings",
    },
    "data": {
        "erk": "etude.corpora.settings:ErkConfig",
        "mozart": "etude.corpora.settings:MozartConfig",
        "cobb": "etude.corpora.settings:CobbConfig",
        "folder": "etude.corpora.settings:FolderConfig",
    },
    "data/encoding": {
        "grid": "etude.encodings.settings:GridConfig",
        "note_duration": "etude.encodings.settings:NoteDurationConfig",
        "pitch_set": "etude.encodings.settings:PitchSetConfig",
        "characters": "etude.encodings.settings:CharactersConfig",
        "performance": "etude.encodings.settings:PerformanceConfig",
    },
    "model": {
        "lstm": "etude.models.settings:LSTMConfig",
        "lstm_flat": "etude.models.settings:FlatLSTMConfig",
        "lstm_cell": "etude.models.settings:LSTMCellConfig",
        "lstm_batchnorm": "etude.models.settings:BatchNormLSTMConfig",
        "char_rnn": "etude.models.settings:CharRNNConfig",
        "performance_rnn": "etude.models.settings:PerformanceRNNConfig",
        "music_transformer": "etude.models.settings:MusicTransformerConfig",
        "ffn": "etude.models.settings:FFNConfig",
        "markov": "etude.models.settings:MarkovConfig",
    },
    "optim": {"adam": "etude.models.settings:AdamConfig", "rmsprop": "etude.models.settings:RMSpropConfig"},
    "schedule": {
        "constant": "etude.models.settings:ConstantScheduleConfig",
        "cosine": "etude.models.settings:CosineScheduleConfig",
    },
    "trainer": {"default": "etude.training.settings:TrainerSettings"},
    "callbacks": {"default": "etude.training.settings:CallbackSettings"},
    "logger": {
        "wandb": "etude.training.settings:WandbLoggerSettings",
        "tensorboard": "etude.training.settings:TensorBoardLoggerSettings",
        "csv": "etude.training.settings:CSVLoggerSettings",
    },
    "sampling": {"default": "etude.sampling.settings:SamplingSettings"},
}


def register() -> None:
    """Put every schema where the defaults lists in conf/ look for it: schema/<group>/<name>."""
    store = ConfigStore.instance().store
    for group, schemas in SCHEMAS.items():
        for name, node in schemas.items():
            store(group=f"schema/{group}".rstrip("/"), name=name, node=settings_class(node))


def settings_class(place: str) -> type[Any]:
    """Import the dataclass at ``module:Class``."""
    module, _, name = place.partition(":")
    found: type[Any] = getattr(import_module(module), name)
    return found
