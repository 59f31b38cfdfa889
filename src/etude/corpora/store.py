"""Store: a corpus as token ids on disk, opened by memory map; `store_writer` writes it."""

from __future__ import annotations

import hashlib
import json
import mmap
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from etude.corpora.token_codes import TokenCodes
from etude.encodings.vocabulary import Vocabulary
from etude.processes import memory_bytes

FORMAT = 3  # of the files below; a store of another format is made again
CHECKED_BYTES = 8 * 2**20  # a larger file is checked by its size alone, so that opening stays fast
SMALL_BYTES = 2**28  # of a larger file the system reads what a batch asks for, and nothing ahead
READ_BYTES = 2**24  # at a time, when a large file is read ahead

FILES = ("ids.npy", "offsets.npy", "tunes.npy", "names.txt", "rejected.json")


class Rejected(NamedTuple):
    """A piece that was rejected, and why."""

    name: str
    place: str
    reason: str


class EncodedPiece(NamedTuple):
    """A piece as tokens."""

    name: str
    tune: int
    tokens: Sequence[str]
    moved: int = 0  # notes that were moved to the grid
    farthest: float = 0.0  # the largest move, in quarter notes
    inferred_key: str = ""  # of a piece that states none
    apart: bool = False  # whether it has several tracks whose chords were not joined

    def __reduce__(self) -> tuple[type[EncodedPiece], tuple[Any, ...]]:
        return EncodedPiece, tuple(self._replace(tokens=TokenCodes.of(self.tokens)))


class Moved(NamedTuple):
    """Numbers of pieces and notes moved to the grid, and the largest move in quarter notes."""

    pieces: int = 0
    notes: int = 0
    farthest: float = 0.0


class StoreDamagedError(Exception):
    """Raised if the files of a store do not match its manifest."""


@dataclass(frozen=True)
class Store:
    """An encoded corpus of P pieces.

    ``ids`` is flat: terminator, piece, terminator, piece, …, terminator. ``offsets`` has shape (P + 1,): the
    terminator before piece i is ``ids[offsets[i]]``, the one after it ``ids[offsets[i + 1]]``. ``tunes``
    has shape (P,): the tune hashes that the split goes by. All three are memory-mapped; names and rejected
    pieces are read on demand.
    """

    folder: Path
    ids: npt.NDArray[np.unsignedinteger[Any]]
    offsets: npt.NDArray[np.int64]
    tunes: npt.NDArray[np.int64]
    vocabulary: Vocabulary
    description: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Hash of the raw files, the encoding and its version; it identifies the content."""
        return str(self.description["fingerprint"])

    @property
    def num_tokens(self) -> int:
        """Tokens of all pieces, terminators not counted."""
        return len(self.ids) - len(self.offsets)

    @property
    def num_rejected(self) -> int:
        """Number of rejected pieces."""
        return int(self.description["counts"]["rejected"])

    @property
    def reasons(self) -> Counter[str]:
        """Number of rejected pieces for each reason."""
        return Counter(self.description["reasons"])

    @property
    def moved(self) -> Moved:
        """Notes moved to the grid of the encoding."""
        return Moved(*self.description.get("moved", ()))

    @property
    def inferred_keys(self) -> Counter[str]:
        """Number of pieces for each key that was inferred."""
        return Counter(self.description.get("inferred_keys", {}))

    @property
    def num_apart(self) -> int:
        """Number of pieces with several tracks whose chords were not joined."""
        return int(self.description.get("apart", 0))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Origin of each piece."""
        return tuple((self.folder / "names.txt").read_text(encoding="utf-8").splitlines())

    @cached_property
    def rejected(self) -> tuple[Rejected, ...]:
        """Rejected pieces."""
        rows = json.loads((self.folder / "rejected.json").read_text(encoding="utf-8"))
        return tuple(Rejected(*row) for row in rows)

    def piece(self, index: int) -> npt.NDArray[np.int64]:
        """Return the ids of piece ``index``, shape (n,), without terminators."""
        return self.ids[self.offsets[index] + 1 : self.offsets[index + 1]].astype(np.int64)

    def read_ahead(self) -> Thread | None:
        """Read a large ``ids.npy`` in order in a thread, so that random pages of it are in memory early.

        None, and nothing is read, if the file is small or larger than half of the machine's memory.
        """
        if not SMALL_BYTES < self.ids.nbytes <= memory_bytes() // 2:
            return None
        thread = Thread(target=_read_through, args=(self.folder / "ids.npy",), daemon=True)
        thread.start()
        return thread

    def __len__(self) -> int:
        return len(self.offsets) - 1


def open_store(folder: Path) -> Store:
    """Open a store; FileNotFoundError if there is none, StoreDamagedError if it is damaged."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise StoreDamagedError(f"format {manifest['format']}, wanted {FORMAT}")
        if manifest.get("sha256") != manifest_sha256(manifest):
            raise StoreDamagedError("manifest.json is not the file that was written")
        for name, checksum in manifest["checksums"].items():
            if file_checksum(folder / name) != checksum:
                raise StoreDamagedError(f"{name} is not the file that was written")
        store = Store(
            folder=folder,
            ids=_mapped_ids(folder / "ids.npy"),
            # The same memory as plain arrays: what is indexed out of a memmap is one too, and slow.
            offsets=np.asarray(np.load(folder / "offsets.npy", mmap_mode="r")),
            tunes=np.asarray(np.load(folder / "tunes.npy", mmap_mode="r")),
            vocabulary=Vocabulary(manifest["vocabulary"]),
            description=manifest,
        )
        _check_counts(store)
        return store
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreDamagedError(f"{type(error).__name__}: {error}") from error


def manifest_sha256(manifest: Mapping[str, Any]) -> str:
    """Return the checksum of a manifest without its own checksum entry."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _check_counts(store: Store) -> None:
    """Raise StoreDamagedError if the counts in the files differ from the manifest."""
    counts = store.description["counts"]
    found = {
        "pieces": len(store.tunes),
        "tokens": len(store.ids) - 1 - len(store.tunes),
        "vocabulary": len(store.vocabulary),
    }
    if len(store.offsets) != len(store.tunes) + 1 or any(counts[key] != found[key] for key in found):
        raise StoreDamagedError("the numbers of pieces or tokens in its files differ from its manifest")


def _mapped_ids(path: Path) -> npt.NDArray[np.unsignedinteger[Any]]:
    ids: npt.NDArray[np.unsignedinteger[Any]] = np.load(path, mmap_mode="r")
    # Systems read ahead, up to megabytes for a window of 512 bytes, which a small file gains by.
    if ids.nbytes > SMALL_BYTES and isinstance(ids.base, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        ids.base.madvise(mmap.MADV_RANDOM)
    return ids


def _read_through(path: Path) -> None:
    """Read a file once; an error is left to those who need its content."""
    page = bytearray(READ_BYTES)
    with suppress(OSError), path.open("rb", buffering=0) as file:
        while file.readinto(page):
            pass


def file_checksum(path: Path) -> list[int]:
    """Return size in bytes and CRC-32 (0 if the file is too large to read at every start)."""
    size = path.stat().st_size
    return [size, zlib.crc32(path.read_bytes()) if size <= CHECKED_BYTES else 0]
