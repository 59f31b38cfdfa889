"""Settings of networks, optimizers and schedules; their values are in conf/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from etude.config.fields import setting


@dataclass
class ModelConfig:
    """Settings of any network."""

    builds: ClassVar[str] = ""
    supplied: ClassVar[tuple[str, ...]] = ("vocabulary_size", "optimizer")  # by training
    name: str = setting("short name of the architecture in run folders")


@dataclass(kw_only=True)
class EmbeddingConfig(ModelConfig):
    """Settings of networks between an embedding and a linear layer."""

    tie_weights: bool = setting(
        "true: one matrix is both the embedding and the last layer, of one width", default=False
    )


@dataclass
class RecurrentConfig(ModelConfig):
    """Settings of stacked LSTM layers."""

    hidden_dim: int = setting("size of each layer's hidden state; time grows with its square", low=1)
    num_layers: int = setting("LSTM layers, each on the outputs of the one below", low=1)
    dropout: float = setting("share of hidden units zeroed after each layer in training", low=0, below=1)


@dataclass
class LSTMConfig(EmbeddingConfig, RecurrentConfig):
    """Settings of stacked LSTM layers on an embedding."""

    builds: ClassVar[str] = "etude.models.lstm.LSTMNetwork"
    embedding_dim: int | None = setting("numbers per token; null: as many as there are tokens", low=1)


@dataclass
class CopyLSTMConfig(LSTMConfig):
    """Settings of stacked LSTM layers with a memory of the piece."""

    builds: ClassVar[str] = "etude.models.lstm_copy.CopyLSTMNetwork"
    for_training: ClassVar[tuple[str, ...]] = ("token_features", "transposed_copies")  # it gets their tables
    longest_match: int = setting(
        "longest passage, in tokens, that is looked for earlier in the piece", low=1, high=64
    )
    token_features: bool = setting(
        "true: tokens share vectors: chords those of their pitches, ABC text those of scale degrees"
    )
    transposed_copies: bool = setting(
        "true: passages are also copied at another pitch, for data/encoding=pitch_set", default=False
    )


@dataclass
class ProductCopyLSTMConfig(CopyLSTMConfig):
    """Settings of LSTM layers whose memory makes likely tokens likelier."""

    builds: ClassVar[str] = "etude.models.lstm_copy_product.ProductCopyLSTMNetwork"


@dataclass
class LSTMCellConfig(LSTMConfig):
    """Settings of the LSTM from scratch."""

    builds: ClassVar[str] = "etude.models.lstm_cell.LSTMCellNetwork"


@dataclass
class CharRNNConfig(LSTMConfig):
    """Settings of the char-RNN."""

    builds: ClassVar[str] = "etude.models.char_rnn.CharRNNNetwork"


@dataclass
class BatchNormLSTMConfig(LSTMConfig):
    """Settings of the Mozart lab's network."""

    builds: ClassVar[str] = "etude.models.lstm_batchnorm.BatchNormLSTMNetwork"
    carry_state: bool = setting("true: start each training batch with the last state of the previous batch")


@dataclass
class PerformanceRNNConfig(RecurrentConfig):
    """Settings of Performance RNN."""

    builds: ClassVar[str] = "etude.models.performance_rnn.PerformanceRNNNetwork"


@dataclass
class FlatLSTMConfig(ModelConfig):
    """Settings of the LSTM with a linear layer over all outputs of a window."""

    builds: ClassVar[str] = "etude.models.lstm_flat.FlatLSTMNetwork"
    hidden_dim: int = setting(
        "size of the hidden state; the linear layer has window times as many inputs", low=1
    )
    window: int = setting("outputs that the linear layer reads, in tokens", low=1)
    dropout: float = setting("share of the linear layer's inputs zeroed in training", low=0, below=1)


@dataclass
class MusicTransformerConfig(EmbeddingConfig):
    """Settings of Music Transformer."""

    builds: ClassVar[str] = "etude.models.music_transformer.MusicTransformerNetwork"
    for_training: ClassVar[tuple[str, ...]] = ("sounding_notes",)  # the network gets their table
    hidden_dim: int = setting("numbers per position, divided among the heads; published: 384 or 512", low=1)
    num_layers: int = setting("decoder layers; published: 6 or 8", low=1)
    num_heads: int = setting("attention heads a layer, each hidden_dim / num_heads wide; published: 8", low=1)
    feedforward_dim: int = setting("units of the feed-forward layers; published: 1024", low=1)
    max_distance: int = setting(
        "relative distances with a vector of their own, in tokens; published: 1024", low=1
    )
    dropout: float = setting("share of outputs zeroed in training; published: 0.1 to 0.3", low=0, below=1)
    sounding_notes: bool = setting(
        "true: add vectors of the notes that sound, for performance encodings", default=False
    )


@dataclass
class FFNConfig(EmbeddingConfig):
    """Settings of the feed-forward network."""

    builds: ClassVar[str] = "etude.models.ffn.FFNNetwork"
    context: int = setting("tokens that the network sees", low=1)
    embedding_dim: int = setting("numbers per token", low=1)
    hidden_dim: int = setting("units of the hidden layer", low=1)
    dropout: float = setting("share of hidden units zeroed in training", low=0, below=1)


@dataclass
class MarkovConfig(ModelConfig):
    """Settings of the Markov chain."""

    builds: ClassVar[str] = "etude.models.markov.MarkovNetwork"
    ngram: int = setting("tokens of an n-gram, the predicted one included; above 8 little is gained", low=1)


def _warmup_problem(value: object) -> str:
    """Say why a value is neither a number of steps nor a share of them; "" if it is one."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    is_share = isinstance(value, float) and 0 <= value < 1
    wanted = "must be a number of steps (0, 100, …) or a share of them (at least 0.0, below 1)"
    return "" if is_count or is_share else f"{wanted}, got {value!r}"


@dataclass(kw_only=True)
class OptimizerConfig:
    """Settings of any optimizer; ``for_training`` names those that its class is not given."""

    builds: ClassVar[str] = ""
    supplied: ClassVar[tuple[str, ...]] = ("params",)
    for_training: ClassVar[tuple[str, ...]] = ("decay_biases_and_norms",)
    lr: float = setting("learning rate", above=0, high=1000)
    decay_biases_and_norms: bool = setting(
        "false: weight_decay acts on matrices alone, not on biases and the scales of norms", default=True
    )


@dataclass(kw_only=True)
class AdamConfig(OptimizerConfig):
    """Settings of Adam."""

    builds: ClassVar[str] = "torch.optim.Adam"
    betas: list[float] = setting(
        "decay of the running means of the gradient and its square", low=0, below=1, default=[0.9, 0.999]
    )
    eps: float = setting("added to the root of the mean square", low=0, default=1e-8)
    weight_decay: float = setting("L2 penalty; 1e-5 is small, 1e-2 strong", low=0, default=0.0)
    amsgrad: bool = setting("true: divide by the largest mean square so far", default=False)


@dataclass(kw_only=True)
class AdamWConfig(AdamConfig):
    """Settings of AdamW."""

    builds: ClassVar[str] = "torch.optim.AdamW"
    weight_decay: float = setting(
        "share of a weight that a step takes away, times lr; 0.01 to 0.1", low=0, default=0.01
    )


@dataclass(kw_only=True)
class SGDConfig(OptimizerConfig):
    """Settings of stochastic gradient descent."""

    builds: ClassVar[str] = "torch.optim.SGD"
    momentum: float = setting("share of the last step that is added to the next", low=0, below=1, default=0.0)
    dampening: float = setting(
        "share of the gradient left out where there is momentum", low=0, high=1, default=0.0
    )
    weight_decay: float = setting("L2 penalty; 1e-5 is small, 1e-2 strong", low=0, default=0.0)
    nesterov: bool = setting("true: look ahead along the momentum", default=False)


@dataclass(kw_only=True)
class RMSpropConfig(OptimizerConfig):
    """Settings of RMSprop."""

    builds: ClassVar[str] = "torch.optim.RMSprop"
    alpha: float = setting("decay of the running mean of the squared gradient", low=0, below=1, default=0.99)
    eps: float = setting("added to the root of the mean square", low=0, default=1e-8)
    weight_decay: float = setting("L2 penalty; 1e-5 is small, 1e-2 strong", low=0, default=0.0)
    momentum: float = setting("share of the last step that is added to the next", low=0, below=1, default=0.0)
    centered: bool = setting("true: divide by the standard deviation of the gradient", default=False)


@dataclass(kw_only=True)
class ScheduleConfig:
    """Settings of any learning rate schedule, of Étude or of torch.optim.lr_scheduler.

    The steps of the training are ``offered`` to the schedules of PyTorch that must know them.
    """

    builds: ClassVar[str] = ""
    supplied: ClassVar[tuple[str, ...]] = ("optimizer", "last_epoch")
    offered: ClassVar[tuple[str, ...]] = ("T_max", "total_steps")
    for_training: ClassVar[tuple[str, ...]] = ("warmup", "interval")
    warmup: int | float = setting(
        "steps, or share of them (0.05), in which the rate rises to optim.lr",
        check=_warmup_problem,
        default=0,
    )
    interval: str = setting(
        "what the schedule counts: step or epoch; ReduceLROnPlateau counts validations",
        choices=("step", "epoch"),
        default="step",
    )


@dataclass(kw_only=True)
class ConstantScheduleConfig(ScheduleConfig):
    """Settings of a constant learning rate."""

    builds: ClassVar[str] = "etude.models.schedules.Constant"


@dataclass(kw_only=True)
class CosineScheduleConfig(ScheduleConfig):
    """Settings of cosine decay."""

    builds: ClassVar[str] = "etude.models.schedules.Cosine"
    final: float = setting("share of optim.lr left at the last step", low=0, high=1)
