"""Store: a corpus as token ids on disk, written once, opened by memory map."""

from __future__ import annotations

import hashlib
import io
import json
import mmap
import os
import shutil
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from etude.corpora.token_codes import TokenCodes
from etude.encodings.vocabulary import TERMINATOR, Vocabulary

FORMAT = 3  # of the files below; a store of another format is made again
CHECKED_BYTES = 8 * 2**20  # a larger file is checked by its size alone, so that opening stays fast
READ_AHEAD_BYTES = 2**28  # of a larger file only what a batch asks for is read, and nothing ahead
REMAPPED_AT_A_TIME = 2**20  # ids

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
    """How many notes of how many pieces were moved to the grid, and the largest move in quarter notes."""

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
        """What was moved to the grid of the encoding."""
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

    def __len__(self) -> int:
        return len(self.offsets) - 1


def write_store(
    folder: Path,
    pieces: Iterable[EncodedPiece | Rejected],
    description: dict[str, Any],
    *,
    terminator: str = TERMINATOR,
    symbols: Sequence[str] = (),
) -> None:
    """Write a store to ``folder``, atomically.

    Pieces are written as they come, so memory does not grow with their number, but for eight bytes each.
    ``description`` holds the fingerprint and what it was made of, as plain values. ``symbols`` are in the
    vocabulary in any case. No other process may write the same store: what an earlier one left unfinished
    is removed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.parent / f".making-{folder.name}"
    if scratch.exists():
        shutil.rmtree(scratch)
    scratch.mkdir()
    try:
        written = _write_pieces(scratch, pieces, terminator)
        for symbol in symbols:
            written.provisional.setdefault(symbol, len(written.provisional))
        vocabulary = Vocabulary.of(written.provisional, terminator)
        _write_ids(scratch, vocabulary, list(written.provisional), written.ids)
        manifest = {
            "format": FORMAT,
            **description,
            "counts": {
                "pieces": written.pieces,
                "tokens": written.ids - 1 - written.pieces,
                "vocabulary": len(vocabulary),
                "rejected": written.reasons.total(),
            },
            "reasons": written.reasons,
            "moved": written.moved,
            "inferred_keys": written.inferred_keys,
            "apart": written.apart,
            "checksums": {name: _checksum(scratch / name) for name in FILES},
            "vocabulary": list(vocabulary.tokens),
        }
        manifest["sha256"] = _manifest_sha256(manifest)
        (scratch / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def open_store(folder: Path) -> Store:
    """Open a store; FileNotFoundError if there is none, StoreDamagedError if it is damaged."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise StoreDamagedError(f"format {manifest['format']}, wanted {FORMAT}")
        if manifest.get("sha256") != _manifest_sha256(manifest):
            raise StoreDamagedError("manifest.json is not the file that was written")
        for name, checksum in manifest["checksums"].items():
            if _checksum(folder / name) != checksum:
                raise StoreDamagedError(f"{name} is not the file that was written")
        store = Store(
            folder=folder,
            ids=_mapped_ids(folder / "ids.npy"),
            offsets=np.load(folder / "offsets.npy", mmap_mode="r"),
            tunes=np.load(folder / "tunes.npy", mmap_mode="r"),
            vocabulary=Vocabulary(manifest["vocabulary"]),
            description=manifest,
        )
        _check_counts(store)
        return store
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreDamagedError(f"{type(error).__name__}: {error}") from error


def _manifest_sha256(manifest: Mapping[str, Any]) -> str:
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
    if ids.nbytes > READ_AHEAD_BYTES and isinstance(ids.base, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        ids.base.madvise(mmap.MADV_RANDOM)
    return ids


class _Written(NamedTuple):
    """What came of the pieces: token to provisional id, counts of ids and pieces, rejections by reason.

    ``inferred_keys`` and ``apart`` are as in :class:`Store`.
    """

    provisional: dict[str, int]
    ids: int
    pieces: int
    reasons: Counter[str]
    moved: Moved
    inferred_keys: Counter[str]
    apart: int


def _write_pieces(scratch: Path, pieces: Iterable[EncodedPiece | Rejected], terminator: str) -> _Written:
    """Write everything, with provisional ids until all tokens are known."""
    provisional = {terminator: 0}  # in the order of first appearance
    offsets, tunes = array("q", [0]), array("q")
    reasons: Counter[str] = Counter()
    moved = Moved()
    inferred_keys: Counter[str] = Counter()
    apart = 0
    with (
        (scratch / "provisional").open("wb") as file,
        (scratch / "names.txt").open("w", encoding="utf-8") as names,
        (scratch / "rejected.json").open("w", encoding="utf-8") as rejected,
    ):
        file.write(np.zeros(1, dtype=np.uint32).tobytes())
        for piece in pieces:
            if isinstance(piece, Rejected):
                rejected.write(f"{',' if reasons else '['}\n{json.dumps(piece)}")
                reasons[piece.reason] += 1
                continue
            if piece.moved:
                farthest = max(moved.farthest, piece.farthest)
                moved = Moved(moved.pieces + 1, moved.notes + piece.moved, farthest)
            if piece.inferred_key:
                inferred_keys[piece.inferred_key] += 1
            apart += piece.apart
            coded = TokenCodes.of(piece.tokens)
            ids = [provisional.setdefault(symbol, len(provisional)) for symbol in coded.symbols]
            file.write(np.array([*ids, 0], dtype=np.uint32)[np.append(coded.codes, len(ids))].tobytes())
            offsets.append(offsets[-1] + len(coded) + 1)
            tunes.append(piece.tune)
            names.write(" ".join(piece.name.splitlines()) + "\n")
        rejected.write("\n]\n" if reasons else "[]\n")
    _save(scratch / "offsets.npy", np.array(offsets, dtype=np.int64))
    _save(scratch / "tunes.npy", np.array(tunes, dtype=np.int64))
    return _Written(provisional, offsets[-1] + 1, len(tunes), reasons, moved, inferred_keys, apart)


def _save(path: Path, values: npt.NDArray[np.int64]) -> None:
    """Write an array; OSError for a full disk, which np.save does not report as one."""
    content = io.BytesIO()
    np.save(content, values)
    path.write_bytes(content.getbuffer())


def _write_ids(scratch: Path, vocabulary: Vocabulary, provisional: list[str], count: int) -> None:
    """Convert provisional ids to those of the vocabulary, in chunks."""
    dtype = np.min_scalar_type(len(vocabulary) - 1)
    final = np.array([vocabulary.id_of[token] for token in provisional], dtype=dtype)
    source = np.memmap(scratch / "provisional", dtype=np.uint32, mode="r", shape=(count,))
    # written, not mapped: where the disk is full, a write fails with an error, and a mapped page with SIGBUS
    with (scratch / "ids.npy").open("wb") as file:
        header = np.lib.format.header_data_from_array_1_0(np.empty(0, dtype=dtype)) | {"shape": (count,)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, count, REMAPPED_AT_A_TIME):
            file.write(final[source[start : start + REMAPPED_AT_A_TIME]].tobytes())
        file.flush()
        os.fsync(file.fileno())
    (scratch / "provisional").unlink()


def _checksum(path: Path) -> list[int]:
    """Return size in bytes and CRC-32 (0 if the file is too large to read at every start)."""
    size = path.stat().st_size
    return [size, zlib.crc32(path.read_bytes()) if size <= CHECKED_BYTES else 0]
