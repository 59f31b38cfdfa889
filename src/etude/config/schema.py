"""The types and ranges of every knob; the values live in conf/, whose defaults lists pull these in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from etude.config.knobs import knob

STEPS = ("1/4", "1/8", "1/16", "1/32", "1/12", "1/24", "1/48")  # of a whole note
READERS = ("fast", "music21")
FORMS = ("midi", "musicxml", "abc", "wav", "score", "score_png", "roll")
FILTERS = (
    "grammar", "repetition_penalty", "no_repeat_ngram", "temperature", "top_k", "top_p", "min_p",
)  # fmt: skip


@dataclass
class GridConfig:
    """etude.encodings.GridEncoding."""

    _target_: str = knob()
    step: str = knob(choices=STEPS)


@dataclass
class NoteDurationConfig:
    """etude.encodings.NoteDurationEncoding."""

    _target_: str = knob()
    step: str = knob(choices=STEPS)


@dataclass
class PitchSetConfig:
    """etude.encodings.PitchSetEncoding."""

    _target_: str = knob()
    step: str = knob(choices=STEPS)


@dataclass
class CharactersConfig:
    """etude.encodings.CharactersEncoding."""

    _target_: str = knob()


@dataclass
class PerformanceConfig:
    """etude.encodings.PerformanceEncoding."""

    _target_: str = knob()
    steps_per_second: int = knob(low=1, high=1000)
    longest_shift: int = knob(low=1, high=10000)
    velocity_bins: int = knob(low=1, high=128)
    lowest: int = knob(low=0, high=127)
    highest: int = knob(low=0, high=127)


@dataclass
class CorpusConfig:
    """What every etude.corpora.data_module.CorpusDataModule takes."""

    _target_: str = knob()
    name: str = knob()
    encoding: Any = MISSING
    split: str = knob(choices=("by_piece", "by_window"))
    split_fractions: list[float] = knob(low=0, high=1)
    split_seed: int = knob(low=0)
    one_text: bool = knob()
    objective: str = knob(choices=("every", "last"))
    sequence_len: int = knob(low=1, high=65536)
    batch_size: int = knob(low=1)
    eval_batch_size: int = knob(low=1)
    drop_last: bool = knob()
    max_pieces: int | None = knob(low=1)
    max_rejected: float = knob(low=0, high=1)
    on_device: bool = knob()
    data_dir: str = knob()


@dataclass
class PublishedConfig:
    """etude.corpora.sources.Source: a file that somebody published."""

    _target_: str = knob()
    name: str = knob()
    url: str = knob()
    sha256: str = knob()
    size: int = knob(low=1)
    licence: str = knob()
    citation: str = knob()


@dataclass
class ErkConfig(CorpusConfig):
    """etude.corpora.erk.ErkDataModule."""

    source: str = knob(choices=("bundled", "kern"))
    reader: str = knob(choices=READERS)
    transpose: bool = knob()
    published: PublishedConfig = MISSING
    mirror: str | None = knob()


@dataclass
class MozartConfig(CorpusConfig):
    """etude.corpora.mozart.MozartDataModule."""

    reader: str = knob(choices=READERS)
    section_tokens: int | None = knob(low=1)
    published: PublishedConfig = MISSING
    mirror: str | None = knob()


@dataclass
class CobbConfig(CorpusConfig):
    """etude.corpora.cobb.CobbDataModule."""

    reader: str = knob(choices=READERS)
    transpose: bool = knob()
    published: PublishedConfig = MISSING
    mirror: str | None = knob()


@dataclass
class FolderConfig(CorpusConfig):
    """etude.corpora.folders.FolderDataModule."""

    path: str = knob()
    format: str = knob(choices=("kern", "abc", "midi", "musicxml"))
    reader: str = knob(choices=READERS)
    transpose: bool = knob()


@dataclass
class LSTMConfig:
    """etude.models.lstm.LSTMModule."""

    _target_: str = knob()
    name: str = knob()
    embedding_dim: int | None = knob(low=1)
    hidden_dim: int = knob(low=1)
    dropout: float = knob(low=0, below=1)


@dataclass
class MusicTransformerConfig:
    """etude.models.music_transformer.MusicTransformerModule."""

    _target_: str = knob()
    name: str = knob()
    hidden_dim: int = knob(low=1)
    num_layers: int = knob(low=1)
    num_heads: int = knob(low=1)
    feedforward_dim: int = knob(low=1)
    max_distance: int = knob(low=1)
    dropout: float = knob(low=0, below=1)


@dataclass
class FlatLSTMConfig:
    """etude.models.lstm_flat.FlatLSTMModule."""

    _target_: str = knob()
    name: str = knob()
    hidden_dim: int = knob(low=1)
    window: int = knob(low=1)
    dropout: float = knob(low=0, below=1)


@dataclass
class LSTMCellConfig(LSTMConfig):
    """etude.models.lstm_cell.LSTMCellModule."""


@dataclass
class BatchNormLSTMConfig:
    """etude.models.lstm_batchnorm.BatchNormLSTMModule."""

    _target_: str = knob()
    name: str = knob()
    embedding_dim: int = knob(low=1)
    hidden_dim: int = knob(low=1)
    num_layers: int = knob(low=1)
    dropout: float = knob(low=0, below=1)
    carry_state: bool = knob()


@dataclass
class CharRNNConfig:
    """etude.models.char_rnn.CharRNNModule."""

    _target_: str = knob()
    name: str = knob()
    embedding_dim: int = knob(low=1)
    hidden_dim: int = knob(low=1)
    dropout: float = knob(low=0, below=1)


@dataclass
class PerformanceRNNConfig:
    """etude.models.performance_rnn.PerformanceRNNModule."""

    _target_: str = knob()
    name: str = knob()
    hidden_dim: int = knob(low=1)
    num_layers: int = knob(low=1)
    dropout: float = knob(low=0, below=1)


@dataclass
class FFNConfig:
    """etude.models.ffn.FFNModule."""

    _target_: str = knob()
    name: str = knob()
    context: int = knob(low=1)
    embedding_dim: int = knob(low=1)
    hidden_dim: int = knob(low=1)
    dropout: float = knob(low=0, below=1)


@dataclass
class MarkovConfig:
    """etude.models.markov.MarkovModule."""

    _target_: str = knob()
    name: str = knob()
    ngram: int = knob(low=1)


@dataclass
class AdamConfig:
    """torch.optim.Adam."""

    _target_: str = knob()
    lr: float = knob(above=0)
    weight_decay: float = knob(low=0)


@dataclass
class RMSpropConfig:
    """torch.optim.RMSprop."""

    _target_: str = knob()
    lr: float = knob(above=0)
    weight_decay: float = knob(low=0)


@dataclass
class ConstantScheduleConfig:
    """etude.models.schedules.Constant."""

    _target_: str = knob()


@dataclass
class CosineScheduleConfig:
    """etude.models.schedules.Cosine."""

    _target_: str = knob()
    warmup: float = knob(low=0, below=1)
    final: float = knob(low=0, high=1)


@dataclass
class TrainerConfig:
    """pytorch_lightning.Trainer; the arguments keep its names."""

    max_epochs: int = knob(low=1)
    accelerator: str = knob(choices=("auto", "cpu", "gpu", "mps"))
    devices: int = knob(low=1)
    strategy: str = knob(choices=("auto", "ddp"))
    precision: str = knob(choices=("32-true", "16-mixed", "bf16-mixed", "64-true"))
    gradient_clip_val: float | None = knob(above=0)
    log_every_n_steps: int = knob(low=1)
    profiler: str | None = knob(choices=("simple", "advanced"))


@dataclass
class CallbacksConfig:
    """When training stops early, and what is shown meanwhile."""

    patience: int | None = knob(low=1)
    min_delta: float = knob(low=0)
    keep_every_epoch: bool = knob()
    checkpoint_minutes: float | None = knob(low=0)
    progress_bar: bool = knob()


@dataclass
class WandbConfig:
    """wandb.init."""

    mode: str = knob(choices=("online", "offline", "disabled"))
    project: str = knob()
    entity: str | None = knob()
    group: str | None = knob()
    tags: list[str] = knob()


@dataclass
class WandbLoggerConfig:
    """Weights & Biases beside metrics.csv."""

    wandb: WandbConfig = MISSING


@dataclass
class TensorBoardLoggerConfig:
    """TensorBoard beside metrics.csv."""

    tensorboard: bool = knob(choices=(True,))


@dataclass
class CSVLoggerConfig:
    """metrics.csv alone, which every run has."""


@dataclass
class SamplingConfig:
    """How music is drawn from a trained network, and what is written of it."""

    num_samples: int = knob(low=0)
    temperature: float = knob(low=0, infinite=True)
    top_k: int | None = knob(low=1)
    top_p: float = knob(low=0, high=1)
    min_p: float = knob(low=0, high=1)
    repetition_penalty: float = knob(above=0)
    repetition_window: int = knob(low=1)
    no_repeat_ngram: int | None = knob(low=1)
    grammar: bool = knob()
    filters: list[str] = knob(choices=FILTERS)
    only_valid: bool = knob()
    max_draws: int = knob(low=1)
    primer: str = knob()
    primer_piece: str | None = knob()
    primer_file: str | None = knob()
    primer_notes: int = knob(low=1)
    primer_window: str | None = knob(choices=("train", "val", "test"))
    max_tokens: int = knob(low=1)
    max_bars: int | None = knob(low=1)
    max_seconds: float | None = knob(above=0)
    seed: int = knob(low=0)
    forms: list[str] = knob(choices=FORMS)
    step: str | None = knob(choices=(*STEPS, "corpus"))
    metre: str = knob()
    tempo: float = knob(low=10, high=400)


@dataclass
class TrainConfig:
    """What `etude train` takes; each group has a schema of its own."""

    seed: int = knob(low=0, high=2**32 - 1)
    name: str = knob()
    label: str | None = knob()
    on_running: str = knob(choices=("stop", "wait", "skip"))
    on_mismatch: str = knob(choices=("stop", "reuse", "rerun"))
    retry: bool = knob()
    threads: int = knob(low=1)
    outputs_dir: str = knob()
    data: Any = MISSING
    model: Any = MISSING
    optim: Any = MISSING
    schedule: Any = MISSING
    trainer: Any = MISSING
    callbacks: Any = MISSING
    logger: Any = MISSING
    sampling: Any = MISSING


@dataclass
class SampleConfig:
    """What `etude sample` takes."""

    run: str = knob()
    checkpoint: str = knob(choices=("best", "last"))
    threads: int = knob(low=1)
    sampling: Any = MISSING


@dataclass
class PrepareConfig:
    """What `etude prepare` takes."""

    data: Any = MISSING


SCHEMAS: dict[str, dict[str, type]] = {
    "": {"train": TrainConfig, "sample": SampleConfig, "prepare": PrepareConfig},
    "data": {"erk": ErkConfig, "mozart": MozartConfig, "cobb": CobbConfig, "folder": FolderConfig},
    "data/encoding": {
        "grid": GridConfig,
        "note_duration": NoteDurationConfig,
        "pitch_set": PitchSetConfig,
        "characters": CharactersConfig,
        "performance": PerformanceConfig,
    },
    "model": {
        "lstm": LSTMConfig,
        "lstm_flat": FlatLSTMConfig,
        "lstm_cell": LSTMCellConfig,
        "lstm_batchnorm": BatchNormLSTMConfig,
        "char_rnn": CharRNNConfig,
        "performance_rnn": PerformanceRNNConfig,
        "music_transformer": MusicTransformerConfig,
        "ffn": FFNConfig,
        "markov": MarkovConfig,
    },
    "optim": {"adam": AdamConfig, "rmsprop": RMSpropConfig},
    "schedule": {"constant": ConstantScheduleConfig, "cosine": CosineScheduleConfig},
    "trainer": {"default": TrainerConfig},
    "callbacks": {"default": CallbacksConfig},
    "logger": {"wandb": WandbLoggerConfig, "tensorboard": TensorBoardLoggerConfig, "csv": CSVLoggerConfig},
    "sampling": {"default": SamplingConfig},
}


def register() -> None:
    """Put every schema where the defaults lists in conf/ look for it: schema/<group>/<name>."""
    store = ConfigStore.instance().store
    for group, schemas in SCHEMAS.items():
        for name, node in schemas.items():
            store(group=f"schema/{group}".rstrip("/"), name=name, node=node)
