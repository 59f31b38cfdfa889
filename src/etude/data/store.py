"""Store: a corpus as token ids on disk, written once, opened by memory map."""

from __future__ import annotations

import json
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from etude.data.vocabulary import Vocabulary

FORMAT = 1  # of the files below; a store of another format is made again
CHECKED_BYTES = 64 * 2**20  # a larger array is checked by its size alone, so that opening stays fast


class Rejected(NamedTuple):
    """A piece that is not in the store, and why."""

    name: str
    place: str
    reason: str


class EncodedPiece(NamedTuple):
    """A piece as tokens."""

    name: str
    tune: int
    tokens: Sequence[str]


class StoreDamagedError(Exception):
    """The files of a store are not what its manifest says."""


@dataclass(frozen=True)
class Store:
    """An encoded corpus of P pieces.

    ``ids`` is flat, memory-mapped: terminator, piece, terminator, piece, …, terminator. ``offsets`` has
    shape (P + 1,): the terminator before piece i is ``ids[offsets[i]]``, the one after it
    ``ids[offsets[i + 1]]``. ``tunes`` has shape (P,): the tune hashes that the split goes by.
    """

    folder: Path
    ids: npt.NDArray[np.unsignedinteger[Any]]
    offsets: npt.NDArray[np.int64]
    tunes: npt.NDArray[np.int64]
    vocabulary: Vocabulary
    names: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    description: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Hash of the raw files, the encoding and its version: what is in the store, by name."""
        return str(self.description["fingerprint"])

    @property
    def num_tokens(self) -> int:
        """Tokens of all pieces, terminators not counted."""
        return len(self.ids) - len(self.offsets)

    @property
    def reasons(self) -> Counter[str]:
        """How many pieces were rejected for each reason."""
        return Counter(rejected.reason for rejected in self.rejected)

    def piece(self, index: int) -> npt.NDArray[np.int64]:
        """Return the ids of piece ``index``, shape (n,), without terminators."""
        return self.ids[self.offsets[index] + 1 : self.offsets[index + 1]].astype(np.int64)

    def __len__(self) -> int:
        return len(self.offsets) - 1


def write_store(
    folder: Path,
    pieces: Iterable[EncodedPiece],
    rejected: Sequence[Rejected],
    description: dict[str, Any],
) -> None:
    """Write a store; ``folder`` appears whole or not at all.

    ``description`` holds the fingerprint and what it was made of, as plain values.
    """
    kept = list(pieces)
    vocabulary = Vocabulary.of(token for piece in kept for token in piece.tokens)
    dtype = np.min_scalar_type(len(vocabulary) - 1)
    ids = np.zeros(sum(len(piece.tokens) + 1 for piece in kept) + 1, dtype=dtype)
    offsets = np.zeros(len(kept) + 1, dtype=np.int64)
    for index, piece in enumerate(kept):
        start = offsets[index] + 1
        offsets[index + 1] = start + len(piece.tokens)
        ids[start : offsets[index + 1]] = vocabulary.ids(piece.tokens)
    arrays = {
        "ids": ids,
        "offsets": offsets,
        "tunes": np.array([piece.tune for piece in kept], dtype=np.int64),
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        for name, array in arrays.items():
            np.save(scratch / f"{name}.npy", array)
        manifest = {
            "format": FORMAT,
            **description,
            "counts": {
                "pieces": len(kept),
                "tokens": len(ids) - len(offsets),
                "vocabulary": len(vocabulary),
                "rejected": len(rejected),
            },
            "checksums": {name: _checksum(scratch / f"{name}.npy") for name in arrays},
            "vocabulary": list(vocabulary.tokens),
            "names": [piece.name for piece in kept],
            "rejected": [list(one) for one in rejected],
        }
        (scratch / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def open_store(folder: Path) -> Store:
    """Open a store; FileNotFoundError if there is none, StoreDamagedError if it is not whole."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise StoreDamagedError(f"format {manifest['format']}, wanted {FORMAT}")
        for name, checksum in manifest["checksums"].items():
            if _checksum(folder / f"{name}.npy") != checksum:
                raise StoreDamagedError(f"{name}.npy is not the file that was written")
        return Store(
            folder=folder,
            ids=np.load(folder / "ids.npy", mmap_mode="r"),
            offsets=np.load(folder / "offsets.npy"),
            tunes=np.load(folder / "tunes.npy"),
            vocabulary=Vocabulary(manifest["vocabulary"]),
            names=tuple(manifest["names"]),
            rejected=tuple(Rejected(*one) for one in manifest["rejected"]),
            description=manifest,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreDamagedError(f"{type(error).__name__}: {error}") from error


def _checksum(path: Path) -> list[int]:
    """Size in bytes and CRC-32 (0 where the file is too large to read at every start)."""
    size = path.stat().st_size
    return [size, zlib.crc32(path.read_bytes()) if size <= CHECKED_BYTES else 0]
