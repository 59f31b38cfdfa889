"""A small conf/ of our own, so that these tests hold whatever the shipped one becomes."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from etude.config.fields import setting
from etude.config.targets import ROOMS, ROOTS


@dataclass
class ToyNet:
    width: int = setting(low=1)
    dropout: float = setting(low=0, below=1)
    gain: float | None = setting(above=0)
    mode: str = setting(choices=("plain", "gated"))
    bias: bool = setting()
    sizes: list[int] = setting(low=1, high=9)


@dataclass
class ToyCorpus:
    builds: ClassVar[str] = ""


@dataclass
class ToySongs(ToyCorpus):
    builds: ClassVar[str] = "etude.toy.Songs"
    files: str = setting()


@dataclass
class ToyScores(ToyCorpus):
    builds: ClassVar[str] = "etude.toy.Scores"
    folder: str = setting()


@dataclass
class Toy:
    seed: int = setting(low=0)
    label: str = setting()
    nickname: str | None = setting()
    net: ToyNet = setting()
    corpus: ToyCorpus = setting()


FILES = {
    "toy.yaml": """
defaults:
  - net: small
  - corpus: songs
  - extras: null
  - _self_
seed: 0
label: net-${net.width}
nickname: null
""",
    "net/small.yaml": """
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
_target_: etude.toy.Songs
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
_target_: etude.toy.Scores
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
    ROOMS.append(__name__)
    ROOTS.update(toy=f"{__name__}:Toy", needy=f"{__name__}:Toy")
    return folder
