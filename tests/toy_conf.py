"""A small conf/ of our own, so that these tests hold whatever the shipped one becomes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from etude.config.fields import setting


@dataclass
class ToyNet:
    width: int = setting(low=1)
    dropout: float = setting(low=0, below=1)
    gain: float | None = setting(above=0)
    mode: str = setting(choices=("plain", "gated"))
    bias: bool = setting()
    sizes: list[int] = setting(low=1, high=9)  # noqa: RUF009


@dataclass
class ToyScores:
    folder: str = setting()


@dataclass
class Toy:
    seed: int = setting(low=0)
    label: str = setting()
    nickname: str | None = setting()
    net: Any = MISSING
    corpus: Any = MISSING


@dataclass
class ToyCorpus:
    files: str = setting()


FILES = {
    "toy.yaml": """
defaults:
  - /schema/toy@_here_
  - net: small
  - corpus: songs
  - extras: null
  - _self_
seed: 0
label: net-${net.width}
nickname: null
""",
    "net/small.yaml": """
defaults: [/schema/net/toy@_here_, _self_]
width: 8
dropout: 0.1
gain: null
mode: plain
bias: true
sizes: [1, 2]
""",
    "net/large.yaml": """
defaults: [small, _self_]
width: 512
""",
    "corpus/songs.yaml": """
defaults: [/schema/corpus/toy@_here_, _self_]
files: songs/*.abc
""",
    "extras/quick.yaml": """
# @package _global_
net:
  width: 2
""",
    "extras/broken.yaml": """
# @package _global_
net:
  widht: 2
""",
    "corpus/scores.yaml": """
defaults: [/schema/corpus/toy_scores@_here_, _self_]
folder: scores
""",
    "extras/tunes.yaml": """
# @package _global_
corpus:
  files: tunes/*.abc
""",
    "extras/sweep.yaml": """
# @package _global_
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      net.width: 3,4
""",
    "needy.yaml": """
defaults:
  - /schema/toy@_here_
  - net: ???
  - corpus: songs
  - _self_
seed: ???
label: ${nickname}
nickname: ???
""",
}


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy_conf")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.lstrip("\n"))
    store = ConfigStore.instance().store
    store(group="schema", name="toy", node=Toy)
    store(group="schema/net", name="toy", node=ToyNet)
    store(group="schema/corpus", name="toy", node=ToyCorpus)
    store(group="schema/corpus", name="toy_scores", node=ToyScores)
    return folder
