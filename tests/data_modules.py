"""A data module as a command would have it: from composed configuration, in a folder of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

from etude.config.build import build
from etude.config.compose import compose
from etude.corpora.data_module import CorpusDataModule
from etude.corpora.store import Store


def data_module(data_dir: Path, *overrides: str, name: str = "prepare") -> CorpusDataModule:
    config = compose(name, [f"data.data_dir={data_dir}", *overrides])
    module = build(config.data)
    assert isinstance(module, CorpusDataModule)
    return module


def in_place_of(path: Path) -> list[str]:
    """What makes a smaller file pass for the published one of its name."""
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    return [
        f"data.mirror={path.parent}",
        f"data.published.sha256={sha256}",
        f"data.published.size={len(content)}",
    ]


def tokens_of(store: Store, index: int) -> list[str]:
    return store.vocabulary.look_up(store.piece(index).tolist())
