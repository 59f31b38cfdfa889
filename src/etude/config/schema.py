"""The types and ranges of every knob; the values live in conf/, whose defaults lists pull these in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from etude.config.knobs import knob


@dataclass
class LSTMConfig:
    """A stack of LSTM layers between an embedding and a linear layer."""

    _target_: str = knob()
    embedding_dim: int | None = knob(low=1)
    hidden_dim: int = knob(low=1)
    dropout: float = knob(low=0, below=1)


@dataclass
class AdamConfig:
    """torch.optim.Adam."""

    _target_: str = knob()
    lr: float = knob(above=0)


@dataclass
class TrainConfig:
    """What `etude train` takes; each group has a schema of its own."""

    seed: int = knob(low=0)
    name: str | None = knob()
    model: Any = MISSING
    optim: Any = MISSING


@dataclass
class SampleConfig:
    """What `etude sample` takes."""

    run: str = knob()
    seed: int = knob(low=0)


def register() -> None:
    """Put every schema where the defaults lists in conf/ look for it: schema/<group>/<name>."""
    store = ConfigStore.instance().store
    store(group="schema", name="train", node=TrainConfig)
    store(group="schema", name="sample", node=SampleConfig)
    store(group="schema/model", name="lstm", node=LSTMConfig)
    store(group="schema/optim", name="adam", node=AdamConfig)
