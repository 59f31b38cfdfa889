"""A corpus as a command would have it: from composed configuration, in a folder of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from etude.config.build import build
from etude.config.compose import compose
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.store import EncodedPiece, Rejected, Store
from etude.corpora.store_writer import StoreWriter
from etude.encodings.vocabulary import TERMINATOR


def prepared_corpus(data_dir: Path, *overrides: str, name: str = "prepare") -> PreparedCorpus:
    config = compose(name, [f"data.data_dir={data_dir}", *overrides])
    corpus = build(config.data)
    assert isinstance(corpus, PreparedCorpus)
    return corpus


def in_place_of(path: Path) -> list[str]:
    """Overrides that make a smaller file pass for the published one of its name."""
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    return [
        f"data.mirror={path.parent}",
        f"data.published.sha256={sha256}",
        f"data.published.size={len(content)}",
    ]


def tokens_of(store: Store, index: int) -> list[str]:
    return store.vocabulary.look_up(store.piece(index).tolist())


def write_store(
    folder: Path,
    pieces: Iterable[EncodedPiece | Rejected],
    description: dict[str, Any],
    *,
    terminator: str = TERMINATOR,
    symbols: Sequence[str] = (),
) -> None:
    """Write a store of these pieces in one go."""
    with StoreWriter(folder, description, terminator=terminator, symbols=symbols) as writer:
        for piece in pieces:
            writer.add(piece)
