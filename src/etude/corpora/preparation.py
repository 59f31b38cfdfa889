"""Preparation: raw files → pieces → tokens → store, once for all processes."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from filelock import FileLock

from etude.config.own_code import installed_versions, module_of, own_code
from etude.corpora.cures import cure
from etude.corpora.parallel import Pool, mapped
from etude.corpora.splits import tune_hash
from etude.corpora.store import (
    EncodedPiece,
    Rejected,
    Store,
    StoreDamagedError,
    open_store,
)
from etude.corpora.store_writer import StoreWriter
from etude.encodings import Encoding, PitchSetEncoding, SourceEncoding
from etude.encodings.fitting import fitted
from etude.encodings.vocabulary import TERMINATOR
from etude.errors import EncodeError, EtudeError, ReadError
from etude.formats.base import ReadBytes, file_bytes
from etude.music import Piece
from etude.music.grid_fitting import Fitted
from etude.music.key_inference import inferred_key
from etude.plain_names import check_name

log = logging.getLogger(__name__)


class RawFile(NamedTuple):
    """A music file: its name in reports, and its content or path."""

    name: str
    content: bytes | Path | ReadError

    @property
    def data(self) -> bytes:
        """Content of the file; ReadError if it cannot be read."""
        if isinstance(self.content, ReadError):
            raise self.content
        return file_bytes(self.content) if isinstance(self.content, Path) else self.content

    def loaded(self) -> RawFile:
        """Return the file with its content, or why it cannot be read, for a machine that does not see it."""
        try:
            return self._replace(content=self.data)
        except ReadError as error:
            return self._replace(content=error)


Cluster = Callable[[], AbstractContextManager[Pool[RawFile] | None]]


def unchanged(piece: Piece) -> Piece:
    """Return the piece as it is."""
    return piece


@dataclass(frozen=True)
class Corpus:
    """Raw files, their reader, and the transformation of each piece before encoding.

    ``files`` gives the files in a fixed order. ``rules`` names the reader and the treatment with their
    versions: with ``raw_sha256`` it goes into the fingerprint. ``read`` and ``treat`` are functions of a
    module that imports nothing slow, since they travel to other processes.
    """

    name: str
    files: Callable[[], Iterable[RawFile]]
    raw_sha256: str
    read: ReadBytes
    rules: dict[str, str | int | bool]
    treat: Callable[[Piece], Piece] = unchanged
    by_music21: bool = False  # an encoding of the file itself asks music21 in place of rules of its own
    by_piece: bool = False  # encode pieces, also where the encoding could take the file itself
    quantise: str | None = None  # move notes to the grid, as in music.grid_fitting; None: times must be exact
    infer_key: bool = False  # infer the key of a piece that states none
    max_pieces: int | None = None  # the first so many pieces that are accepted; None: all
    one_text: bool = False  # join all pieces into one, as the lab and the char-RNN do
    section_tokens: int | None = None  # cut each piece into sections of so many tokens; None: whole

    def __post_init__(self) -> None:
        check_name(self.name, "data.name")  # it names the folder of the store


def prepare(
    corpus: Corpus, encoding: Encoding, store_dir: Path, max_rejected: float, cluster: Cluster = nullcontext
) -> Store:
    """Return the store of this corpus in this encoding; create it if there is none.

    Processes that start at once make it once; a damaged store is made again, with a warning; a preparation
    that was killed is continued. ``cluster`` gives the processes that read the files; the default is those
    of this machine. EtudeError if more than the fraction ``max_rejected`` of the pieces is
    rejected, or none is left.
    """
    made_of = _made_of(corpus, encoding)
    fingerprint = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
    folder = store_dir / f"{corpus.name}-{encoding.name}-{fingerprint[:12]}"
    store = _open_if_whole(folder, fingerprint)
    if store is None:
        store_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            store = _open_if_whole(folder, fingerprint)
            if store is None:
                with cluster() as pool:
                    _write(corpus, encoding, folder, {"fingerprint": fingerprint, **made_of}, pool)
                store = open_store(folder)
    _check_rejected(corpus, store, max_rejected)
    return store


def _open_if_whole(folder: Path, fingerprint: str) -> Store | None:
    try:
        store = open_store(folder)
        if store.fingerprint != fingerprint:
            raise StoreDamagedError("it is that of another corpus")
        return store
    except FileNotFoundError:
        return None
    except StoreDamagedError as damage:
        log.warning("the prepared corpus %s is damaged (%s) and is made again", folder, damage)
        return None


def _made_of(corpus: Corpus, encoding: Encoding) -> dict[str, Mapping[str, str | int | bool | None]]:
    """Return everything that determines the content of the store, as plain values.

    Code of the user's own is known by its source, that of an installed package by its version, and Étude's by
    the versions in it.
    """
    modules = [module_of(part) for part in (corpus.files, corpus.read, corpus.treat, encoding)]
    code = {**own_code(modules), **installed_versions(modules)}
    return {
        **({"code": code} if code else {}),
        "corpus": {
            "name": corpus.name,
            "raw_sha256": corpus.raw_sha256,
            "max_pieces": corpus.max_pieces,
            "one_text": corpus.one_text,
            "section_tokens": corpus.section_tokens,
            **corpus.rules,
        },
        "encoding": {"name": encoding.name, "version": encoding.version, **encoding.config()},
    }


def _write(
    corpus: Corpus, encoding: Encoding, folder: Path, description: dict[str, Any], pool: Pool[RawFile] | None
) -> None:
    """Write the store; what a killed preparation had written and marked is not read again."""
    symbols = encoding.symbols or ()
    with StoreWriter(folder, description, terminator=encoding.terminator, symbols=symbols) as writer:
        if corpus.one_text:
            for piece in _joined(encoding, chain.from_iterable(_encoded(corpus, encoding, pool))):
                writer.add(piece)
            return
        files, accepted = writer.tally.files, writer.tally.accepted
        if files:
            log.warning("an earlier preparation was interrupted after %d files; this one continues it", files)
        for found in _encoded(corpus, encoding, pool, files, accepted):
            for item in found:
                accepted += isinstance(item, EncodedPiece)
                for part in _sections(item, corpus.section_tokens):
                    writer.add(part)
            files += 1
            writer.mark(files, accepted)


def _encoded(
    corpus: Corpus, encoding: Encoding, pool: Pool[RawFile] | None, skip: int = 0, accepted: int = 0
) -> Iterator[list[EncodedPiece | Rejected]]:
    """Yield for each file, in order, the tokens of its pieces or the reasons for their rejection.

    The first ``skip`` files are left out; they gave ``accepted`` pieces.
    """
    # without the names of all files, which would travel to the other processes with each of them
    work = partial(encode_file, corpus=replace(corpus, files=tuple), encoding=encoding)
    for found in mapped(work, corpus.files(), skip, pool):
        if corpus.max_pieces is not None:  # the rest of a tunebook does not count, nor what is wrong with it
            found.sort(key=lambda item: isinstance(item, Rejected))
            wanted = corpus.max_pieces - accepted
            accepted += sum(isinstance(item, EncodedPiece) for item in found)
            if accepted >= corpus.max_pieces:
                yield found[:wanted]
                return
        yield found


def encode_file(file: RawFile, *, corpus: Corpus, encoding: Encoding) -> list[EncodedPiece | Rejected]:
    """Return the tokens of each piece of a file, or why it was rejected; never raises for a bad file."""
    try:
        data = file.data
    except ReadError as error:
        return [Rejected(file.name, error.place, error.reason)]
    if not corpus.by_piece and _reads_sources(encoding) and encoding.takes(data, file.name):
        return _encode_source(file.name, data, corpus, encoding)
    reading = corpus.read(data, file.name)
    found: list[EncodedPiece | Rejected] = [_rejected(file.name, error) for error in reading.rejected]
    for piece in reading.pieces:
        key = inferred_key(piece) if corpus.infer_key and piece.key is None else None
        try:
            keyed = piece if key is None else replace(piece, key=key)
            encoded = _encode_piece(corpus.treat(keyed), encoding, corpus.quantise)
            found.append(encoded if key is None else encoded._replace(inferred_key=str(key)))
        except EncodeError as error:
            found.append(Rejected(piece.name, "", str(error)))
    return found


def _encode_piece(piece: Piece, encoding: Encoding, quantise: str | None) -> EncodedPiece:
    """Encode a piece, after its notes are moved to the grid if ``quantise`` says so."""
    on_grid = Fitted(piece) if quantise is None else fitted(piece, encoding, quantise)
    return EncodedPiece(
        piece.name,
        tune_hash(on_grid.piece),
        encoding.encode(on_grid.piece),
        on_grid.moved,
        float(on_grid.farthest),
        apart=keeps_apart(encoding, piece),
    )


def keeps_apart(encoding: Encoding, piece: Piece) -> bool:
    """Return whether a piece has several tracks, and the encoding writes the chords of each on their own."""
    is_apart = isinstance(encoding, PitchSetEncoding) and not encoding.merge_parts
    return is_apart and len(np.unique(piece.part)) > 1


def _reads_sources(encoding: Encoding) -> TypeGuard[SourceEncoding]:
    return hasattr(encoding, "encode_source")  # asking the protocol takes as long as encoding a song


def _encode_source(
    name: str, data: bytes, corpus: Corpus, encoding: SourceEncoding
) -> list[EncodedPiece | Rejected]:
    """Encode the text or bytes of a file; it is read as well where copies of a tune must be told."""
    whole = not corpus.one_text and corpus.section_tokens is None
    found: list[EncodedPiece | Rejected] = []
    try:
        for source in encoding.encode_source(data, name, by_music21=corpus.by_music21):
            pieces = corpus.read(source.data, source.name).pieces if whole else []
            tune = tune_hash(pieces[0]) if len(pieces) == 1 else token_hash(source.tokens)
            apart = any(keeps_apart(encoding, piece) for piece in pieces)
            found.append(EncodedPiece(source.name, tune, source.tokens, apart=apart))
    except ReadError as error:
        found.append(_rejected(name, error))
    except EncodeError as error:
        found.append(Rejected(name, "", str(error)))
    return found


def token_hash(tokens: Iterable[str]) -> int:
    """Return a stable 63-bit number of a token list."""
    return int.from_bytes(hashlib.sha256(" ".join(tokens).encode()).digest()[:8], "big") >> 1


def _rejected(name: str, error: ReadError) -> Rejected:
    return Rejected(error.path or name, error.place, error.reason)


def _sections(item: EncodedPiece | Rejected, section_tokens: int | None) -> Iterator[EncodedPiece | Rejected]:
    """Cut a piece into sections of so many tokens (None: leave it whole)."""
    if isinstance(item, Rejected) or section_tokens is None:
        yield item
        return
    tokens = iter(item.tokens)
    number = 1
    while section := list(islice(tokens, section_tokens)):
        yield EncodedPiece(f"{item.name} §{number}", token_hash(section), section)
        number += 1


def _joined(
    encoding: Encoding, pieces: Iterable[EncodedPiece | Rejected]
) -> Iterator[EncodedPiece | Rejected]:
    """Join all pieces into one; a terminator that is an ordinary token stays between them."""
    text: list[str] = []
    for piece in pieces:
        if isinstance(piece, Rejected):
            yield piece
            continue
        if text and encoding.terminator != TERMINATOR:
            text.append(encoding.terminator)
        text += piece.tokens
    if text:
        yield EncodedPiece("all pieces", token_hash(text), text)


def _check_rejected(corpus: Corpus, store: Store, max_rejected: float) -> None:
    total = len(store) + store.num_rejected
    worst, count = (store.reasons.most_common(1) or [("", 0)])[0]
    advice = f". {cure(store)}" if cure(store) else ""
    if not len(store):
        reason = f"; the commonest reason ({count} times): {worst}" if worst else ": it has none"
        raise EtudeError(f"no piece of the corpus {corpus.name} could be used{reason}{advice}")
    if store.num_rejected > max_rejected * total:
        raise EtudeError(
            f"{store.num_rejected} of {total} pieces were rejected, more than data.max_rejected="
            f"{max_rejected:g} allows; most often ({count} times): {worst}. The full list is in "
            f"{store.folder / 'rejected.json'}{advice}"
        )
