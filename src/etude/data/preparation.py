"""Preparation: raw files → pieces → tokens → store, once for all processes."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from etude.data.encodings import Encoding
from etude.data.readers.base import Reading
from etude.data.store import (
    EncodedPiece,
    Rejected,
    Store,
    StoreDamagedError,
    open_store,
    write_store,
)
from etude.data.tunes import tune_hash
from etude.errors import EncodeError, EtudeError, ReadError
from etude.scores import Piece

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """Raw files, how they are read, and what is done to each piece before it is encoded.

    ``rules`` names the reader and the treatment with their versions: it goes into the fingerprint.
    """

    name: str
    files: tuple[Path, ...]
    read: Callable[[Path], Reading]
    treat: Callable[[Piece], Piece]
    rules: dict[str, str | int | bool]
    max_pieces: int | None = None  # the first so many pieces that are accepted; None: all


def prepare(corpus: Corpus, encoding: Encoding, store_dir: Path, max_rejected: float = 1.0) -> Store:
    """Return the store of this corpus in this encoding, making it first if there is none.

    Processes that start at once make it once; a damaged store is made again, with a warning. EtudeError
    if more than the fraction ``max_rejected`` of the pieces is rejected.
    """
    made_of = _made_of(corpus, encoding)
    fingerprint = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
    folder = store_dir / f"{corpus.name}-{encoding.name}-{fingerprint[:12]}"
    store = _open_if_whole(folder)
    if store is None:
        store_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            store = _open_if_whole(folder)
            if store is None:
                write_store(folder, *_encode(corpus, encoding), {"fingerprint": fingerprint, **made_of})
                store = open_store(folder)
    _check_rejected(store, max_rejected)
    return store


def _open_if_whole(folder: Path) -> Store | None:
    try:
        return open_store(folder)
    except FileNotFoundError:
        return None
    except StoreDamagedError as damage:
        log.warning("the prepared corpus %s is damaged (%s) and is made again", folder, damage)
        return None


def _made_of(corpus: Corpus, encoding: Encoding) -> dict[str, dict[str, str | int | bool]]:
    """All that decides what the store holds, as plain values."""
    raw = hashlib.sha256()
    for path in corpus.files:
        raw.update(f"{path.name}:{path.stat().st_size}:".encode())
        raw.update(path.read_bytes())
    limit = {} if corpus.max_pieces is None else {"max_pieces": corpus.max_pieces}
    return {
        "corpus": {"name": corpus.name, "raw_sha256": raw.hexdigest(), **corpus.rules, **limit},
        "encoding": {"name": encoding.name, "version": encoding.version, **encoding.config()},
    }


def _encode(corpus: Corpus, encoding: Encoding) -> tuple[list[EncodedPiece], list[Rejected]]:
    kept: list[EncodedPiece] = []
    rejected: list[Rejected] = []
    for item in _read_all(corpus):
        if len(kept) == corpus.max_pieces:
            break
        if isinstance(item, ReadError):
            rejected.append(Rejected(Path(item.path).name, item.place, item.reason))
            continue
        try:
            piece = corpus.treat(item)
            kept.append(EncodedPiece(piece.name, tune_hash(piece), encoding.encode(piece)))
        except EncodeError as error:
            rejected.append(Rejected(item.name, "", str(error)))
    if not kept:
        raise EtudeError(
            f"no piece of the corpus {corpus.name} could be used; the first reason: {rejected[0].reason}"
            if rejected
            else f"the corpus {corpus.name} has no pieces"
        )
    return kept, rejected


def _read_all(corpus: Corpus) -> Iterator[Piece | ReadError]:
    for path in corpus.files:
        reading = corpus.read(path)
        yield from reading.pieces
        yield from reading.rejected


def _check_rejected(store: Store, max_rejected: float) -> None:
    total = len(store) + len(store.rejected)
    if len(store.rejected) > max_rejected * total:
        worst, count = store.reasons.most_common(1)[0]
        raise EtudeError(
            f"{len(store.rejected)} of {total} pieces were rejected, more than data.max_rejected="
            f"{max_rejected:g} allows; most often ({count} times): {worst}. The full list is in "
            f"{store.folder / 'manifest.json'}"
        )
