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


@dataclass
class RecurrentConfig(ModelConfig):
    """Settings of stacked LSTM layers."""

    hidden_dim: int = setting("size of each layer's hidden state; time grows with its square", low=1)
    num_layers: int = setting("LSTM layers, each on the outputs of the one below", low=1)
    dropout: float = setting("share of hidden units zeroed after each layer in training", low=0, below=1)


@dataclass
class LSTMConfig(RecurrentConfig):
    """Settings of stacked LSTM layers on an embedding."""

    builds: ClassVar[str] = "etude.models.lstm.LSTMNetwork"
    embedding_dim: int | None = setting("numbers per token; null: as many as there are tokens", low=1)


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
class MusicTransformerConfig(ModelConfig):
    """Settings of Music Transformer."""

    builds: ClassVar[str] = "etude.models.music_transformer.MusicTransformerNetwork"
    hidden_dim: int = setting("numbers per position, divided among the heads; published: 384 or 512", low=1)
    num_layers: int = setting("decoder layers; published: 6 or 8", low=1)
    num_heads: int = setting("attention heads a layer, each hidden_dim / num_heads wide; published: 8", low=1)
    feedforward_dim: int = setting("units of the feed-forward layers; published: 1024", low=1)
    max_distance: int = setting(
        "relative distances with a vector of their own, in tokens; published: 1024", low=1
    )
    dropout: float = setting("share of outputs zeroed in training; published: 0.1 to 0.3", low=0, below=1)


@dataclass
class FFNConfig(ModelConfig):
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


@dataclass
class OptimizerConfig:
    """Settings of any optimizer."""

    builds: ClassVar[str] = ""
    supplied: ClassVar[tuple[str, ...]] = ("params",)
    lr: float = setting("learning rate", above=0, high=1000)


@dataclass
class AdamConfig(OptimizerConfig):
    """Settings of Adam."""

    builds: ClassVar[str] = "torch.optim.Adam"
    weight_decay: float = setting("L2 penalty; 1e-5 is small, 1e-2 strong", low=0)


@dataclass
class RMSpropConfig(OptimizerConfig):
    """Settings of RMSprop."""

    builds: ClassVar[str] = "torch.optim.RMSprop"
    weight_decay: float = setting("L2 penalty; 1e-5 is small, 1e-2 strong", low=0)


@dataclass
class ScheduleConfig:
    """Settings of any learning rate schedule."""

    builds: ClassVar[str] = ""


@dataclass
class ConstantScheduleConfig(ScheduleConfig):
    """Settings of a constant learning rate: none."""

    builds: ClassVar[str] = "etude.models.schedules.Constant"


@dataclass
class CosineScheduleConfig(ScheduleConfig):
    """Settings of warm-up and cosine decay."""

    builds: ClassVar[str] = "etude.models.schedules.Cosine"
    warmup: float = setting("share of the steps in which the rate rises to optim.lr", low=0, below=1)
    final: float = setting("share of optim.lr left at the last step", low=0, high=1)
