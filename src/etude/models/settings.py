"""Settings of networks, optimizers and schedules; their values are in conf/."""

from __future__ import annotations

from dataclasses import dataclass

from etude.config.fields import setting


@dataclass
class LSTMConfig:
    """etude.models.lstm.LSTMModule."""

    _target_: str = setting()
    name: str = setting("short name of the architecture in run folders")
    embedding_dim: int | None = setting("numbers per token, as published", low=1)
    hidden_dim: int = setting(
        "size of the hidden state, as published; some 3 s a step of 64 × 125 on one core", low=1
    )
    dropout: float = setting(
        "share of hidden units silenced while training, 0 to below 1; the tutorial has none", low=0, below=1
    )


@dataclass
class MusicTransformerConfig:
    """etude.models.music_transformer.MusicTransformerModule."""

    _target_: str = setting()
    name: str = setting("short name of the architecture in run folders")
    hidden_dim: int = setting(
        "size of the hidden state, as published; some 3 s a step of 64 × 125 on one core", low=1
    )
    num_layers: int = setting("LSTM layers, as published", low=1)
    num_heads: int = setting(
        "ways of looking back in each layer, each hidden_dim / num_heads wide; published: 8", low=1
    )
    feedforward_dim: int = setting("units between the two linear layers of a pair; published: 1024", low=1)
    max_distance: int = setting(
        "distances with a vector of their own, in tokens; farther ones share the last; published: 1024", low=1
    )
    dropout: float = setting(
        "share of hidden units silenced while training, 0 to below 1; the tutorial has none", low=0, below=1
    )


@dataclass
class FlatLSTMConfig:
    """etude.models.lstm_flat.FlatLSTMModule."""

    _target_: str = setting()
    name: str = setting("short name of the architecture in run folders")
    hidden_dim: int = setting(
        "size of the hidden state, as published; some 3 s a step of 64 × 125 on one core", low=1
    )
    window: int = setting(
        "last outputs that the linear layer reads; as published, as many as a training window has", low=1
    )
    dropout: float = setting(
        "share of hidden units silenced while training, 0 to below 1; the tutorial has none", low=0, below=1
    )


@dataclass
class LSTMCellConfig(LSTMConfig):
    """etude.models.lstm_cell.LSTMCellModule."""


@dataclass
class BatchNormLSTMConfig:
    """etude.models.lstm_batchnorm.BatchNormLSTMModule."""

    _target_: str = setting()
    name: str = setting("short name of the architecture in run folders")
    embedding_dim: int = setting("numbers per token, as published", low=1)
    hidden_dim: int = setting(
        "size of the hidden state, as published; some 3 s a step of 64 × 125 on one core", low=1
    )
    num_layers: int = setting("LSTM layers, as published", low=1)
    dropout: float = setting(
        "share of hidden units silenced while training, 0 to below 1; the tutorial has none", low=0, below=1
    )
    carry_state: bool = setting(
        "true: start each training batch with the state of the previous, unrelated one, as the lab does"
    )


@dataclass
class CharRNNConfig:
    """etude.models.char_rnn.CharRNNModule."""

    _target_: str = setting()
    name: str = setting("short name of the architecture in run folders")
    embedding_dim: int = setting("numbers per token, as published", low=1)
    hidden_dim: int = setting(
        "size of the hidden state, as published; some 3 s a step of 64 × 125 on one core", low=1
    )
    dropout: float = setting(
        "share of hidden units silenced while training, 0 to below 1; the tutorial has none", low=0, below=1
    )


@dataclass
class PerformanceRNNConfig:
    """etude.models.performance_rnn.PerformanceRNNModule."""

    _target_: str = setting()
    name: str = setting("short name of the architecture in run folders")
    hidden_dim: int = setting(
        "size of the hidden state, as published; some 3 s a step of 64 × 125 on one core", low=1
    )
    num_layers: int = setting("LSTM layers, as published", low=1)
    dropout: float = setting(
        "share of hidden units silenced while training, 0 to below 1; the tutorial has none", low=0, below=1
    )


@dataclass
class FFNConfig:
    """etude.models.ffn.FFNModule."""

    _target_: str = setting()
    name: str = setting("short name of the architecture in run folders")
    context: int = setting("tokens that it sees; 16 sixteenths are a bar of 4/4", low=1)
    embedding_dim: int = setting("numbers per token, as published", low=1)
    hidden_dim: int = setting(
        "size of the hidden state, as published; some 3 s a step of 64 × 125 on one core", low=1
    )
    dropout: float = setting(
        "share of hidden units silenced while training, 0 to below 1; the tutorial has none", low=0, below=1
    )


@dataclass
class MarkovConfig:
    """etude.models.markov.MarkovModule."""

    _target_: str = setting()
    name: str = setting("short name of the architecture in run folders")
    ngram: int = setting(
        "tokens of an n-gram, the next one included: a chain of order 4; from 1, above 8 little is gained",
        low=1,
    )


@dataclass
class AdamConfig:
    """torch.optim.Adam."""

    _target_: str = setting()
    lr: float = setting(
        "learning rate, the tutorial's; 2e-3 learns faster, above 1e-2 an LSTM of this size tends to diverge",
        above=0,
    )
    weight_decay: float = setting("L2 penalty on the weights, from 0; 1e-5 is already felt", low=0)


@dataclass
class RMSpropConfig:
    """torch.optim.RMSprop."""

    _target_: str = setting()
    lr: float = setting(
        "learning rate, the tutorial's; 2e-3 learns faster, above 1e-2 an LSTM of this size tends to diverge",
        above=0,
    )
    weight_decay: float = setting("L2 penalty on the weights, from 0; 1e-5 is already felt", low=0)


@dataclass
class ConstantScheduleConfig:
    """etude.models.schedules.Constant."""

    _target_: str = setting()


@dataclass
class CosineScheduleConfig:
    """etude.models.schedules.Cosine."""

    _target_: str = setting()
    warmup: float = setting(
        "share of the steps over which the rate rises from 0 to optim.lr; attention needs it, an LSTM hardly",
        low=0,
        below=1,
    )
    final: float = setting("share of optim.lr that is left at the last step", low=0, high=1)
