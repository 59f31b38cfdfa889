"""Writing of a store, file by file, so that a killed preparation continues where it was."""

from __future__ import annotations

import io
import json
import os
import shutil
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from etude.corpora.store import (
    FILES,
    FORMAT,
    EncodedPiece,
    Moved,
    Rejected,
    file_checksum,
    manifest_sha256,
)
from etude.corpora.token_codes import TokenCodes
from etude.encodings.vocabulary import TERMINATOR, Vocabulary
from etude.errors import EtudeError
from etude.files import atomic_write

MARK_SECONDS = 5.0  # between two marks: at most so much work is done again after a kill
REMAPPED_AT_A_TIME = 2**20  # ids

APPENDED = ("provisional", "pieces", "names.txt", "rejected.json")  # grow with each piece
MARK = "mark.json"


@dataclass
class Tally:
    """Counts of what has been written; ``files`` and ``accepted`` are those of the caller.

    ``symbols`` are the tokens in the order of first appearance, which are the provisional ids.
    """

    symbols: list[str]
    files: int = 0
    accepted: int = 0
    pieces: int = 0
    ids: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    moved: Moved = field(default_factory=Moved)
    inferred_keys: dict[str, int] = field(default_factory=dict)
    apart: int = 0


class AppendedFile:
    """A file that is only appended to, with size and CRC-32 of its content."""

    def __init__(self, path: Path, size: int = 0, crc: int = 0) -> None:
        self.path, self.size, self.crc = path, size, crc
        self._file = path.open("r+b" if size else "wb")
        self._file.truncate(size)
        self._file.seek(size)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._file.write(data)
        self.size += len(data)
        self.crc = zlib.crc32(data, self.crc)

    def flush(self) -> None:
        """Give what was written to the system, which keeps it if this process is killed."""
        self._file.flush()

    def close(self) -> None:
        """Close the file; OSError if the disk is full, and then it is closed nevertheless."""
        self._file.close()


class StoreWriter:
    """Context manager that writes a store to ``folder``, atomically, and continues after a kill.

    :meth:`add` writes a piece, so memory does not grow with their number. :meth:`mark` says how much of the
    input is written as a whole. A later writer of the same ``description`` continues there: ``tally`` says
    how many files to skip. Without an error the store is finished at the end. After Ctrl-C or an EtudeError
    the marked part stays, after any other error nothing does.

    ``description`` holds the fingerprint and what it was made of, as plain values. ``symbols`` are in the
    vocabulary in any case. No other process may write the same store.
    """

    def __init__(
        self,
        folder: Path,
        description: dict[str, Any],
        *,
        terminator: str = TERMINATOR,
        symbols: Sequence[str] = (),
    ) -> None:
        self._folder, self._description = folder, description
        self._terminator, self._always = terminator, symbols
        self._scratch = folder.parent / f".making-{folder.name}"
        self._scratch.mkdir(parents=True, exist_ok=True)
        found = _marked(self._scratch, str(description["fingerprint"]))
        self._is_marked = found is not None
        if found is None:
            shutil.rmtree(self._scratch)
            self._scratch.mkdir()
            found = Tally([terminator]), dict.fromkeys(APPENDED, (0, 0))
        for path in self._scratch.iterdir():  # of a writer that was killed later than its mark
            if path.name not in (*APPENDED, MARK):
                path.unlink()
        self.tally, sizes = found
        self._files = {name: AppendedFile(self._scratch / name, *sizes[name]) for name in APPENDED}
        self._ids = {symbol: number for number, symbol in enumerate(self.tally.symbols)}
        self._marked_at = time.monotonic()
        if not self._is_marked:
            self._append_ids(np.zeros(1, dtype=np.uint32))

    def add(self, piece: EncodedPiece | Rejected) -> None:
        """Write a piece, or why it was rejected."""
        tally = self.tally
        if isinstance(piece, Rejected):
            row = f"{',' if tally.reasons else '['}\n{json.dumps(piece)}"
            self._files["rejected.json"].write(row.encode())
            tally.reasons[piece.reason] = tally.reasons.get(piece.reason, 0) + 1
            return
        if piece.moved:
            farthest = max(tally.moved.farthest, piece.farthest)
            tally.moved = Moved(tally.moved.pieces + 1, tally.moved.notes + piece.moved, farthest)
        if key := piece.inferred_key:
            tally.inferred_keys[key] = tally.inferred_keys.get(key, 0) + 1
        tally.apart += piece.apart
        coded = TokenCodes.of(piece.tokens)
        ids = [self._id_of(symbol) for symbol in coded.symbols]
        self._append_ids(np.array([*ids, 0], dtype=np.uint32)[np.append(coded.codes, len(ids))])
        self._files["pieces"].write(np.array([len(coded), piece.tune], dtype=np.int64).tobytes())
        self._files["names.txt"].write((" ".join(piece.name.splitlines()) + "\n").encode())
        tally.pieces += 1

    def mark(self, files: int, accepted: int) -> None:
        """Remember, every few seconds, that all of so many files and accepted pieces is written."""
        self.tally.files, self.tally.accepted = files, accepted
        if time.monotonic() - self._marked_at < MARK_SECONDS:
            return
        for file in self._files.values():
            file.flush()
        sizes = {name: (file.size, file.crc) for name, file in self._files.items()}
        known = {"format": FORMAT, "fingerprint": self._description["fingerprint"]}
        mark: dict[str, Any] = {**known, "sizes": sizes, "tally": asdict(self.tally)}
        mark["sha256"] = manifest_sha256(mark)
        atomic_write(self._scratch / MARK, json.dumps(mark).encode())
        self._marked_at, self._is_marked = time.monotonic(), True

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        except BaseException:
            self._is_marked = False  # the parts are not as they were
            raise
        finally:
            for file in self._files.values():
                with suppress(OSError):  # the disk is full; the error is on its way already
                    file.close()
            continues = isinstance(error, KeyboardInterrupt | EtudeError) and self._is_marked
            if not continues:
                shutil.rmtree(self._scratch, ignore_errors=True)

    def _id_of(self, symbol: str) -> int:
        number = self._ids.setdefault(symbol, len(self._ids))
        if number == len(self.tally.symbols):
            self.tally.symbols.append(symbol)
        return number

    def _append_ids(self, ids: npt.NDArray[np.uint32]) -> None:
        self._files["provisional"].write(ids.tobytes())
        self.tally.ids += len(ids)

    def _finish(self) -> None:
        """Write the files that need all pieces, and give the folder its name."""
        scratch, tally = self._scratch, self.tally
        self._files["rejected.json"].write(b"\n]\n" if tally.reasons else b"[]\n")
        for file in self._files.values():
            file.close()
        for symbol in self._always:
            self._id_of(symbol)
        lengths, tunes = np.fromfile(scratch / "pieces", dtype=np.int64).reshape(-1, 2).T
        _save(scratch / "offsets.npy", np.cumsum(np.append(0, lengths + 1)))
        _save(scratch / "tunes.npy", tunes)
        vocabulary = Vocabulary.of(tally.symbols, self._terminator)
        _write_ids(scratch, vocabulary, tally.symbols, tally.ids)
        for name in ("provisional", "pieces", MARK):
            (scratch / name).unlink(missing_ok=True)
        manifest = {
            "format": FORMAT,
            **self._description,
            "counts": {
                "pieces": tally.pieces,
                "tokens": tally.ids - 1 - tally.pieces,
                "vocabulary": len(vocabulary),
                "rejected": Counter(tally.reasons).total(),
            },
            "reasons": tally.reasons,
            "moved": tally.moved,
            "inferred_keys": tally.inferred_keys,
            "apart": tally.apart,
            "checksums": {name: file_checksum(scratch / name) for name in FILES},
            "vocabulary": list(vocabulary.tokens),
        }
        manifest["sha256"] = manifest_sha256(manifest)
        (scratch / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        if self._folder.exists():
            shutil.rmtree(self._folder)
        scratch.rename(self._folder)


def _marked(scratch: Path, fingerprint: str) -> tuple[Tally, dict[str, tuple[int, int]]] | None:
    """Return what a killed writer of this corpus marked; None if that is nothing, or it is damaged."""
    try:
        mark = json.loads((scratch / MARK).read_text(encoding="utf-8"))
        if mark["format"] != FORMAT or mark["fingerprint"] != fingerprint:
            return None
        if mark["sha256"] != manifest_sha256(mark):
            return None
        tally = Tally(**mark["tally"])
        tally.moved = Moved(*tally.moved)
        sizes = {name: (int(size), int(crc)) for name, (size, crc) in mark["sizes"].items()}
        whole = all(_crc_of(scratch / name, sizes[name][0]) == sizes[name][1] for name in APPENDED)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return (tally, sizes) if whole else None


def _crc_of(path: Path, size: int) -> int | None:
    """Return the CRC-32 of the first ``size`` bytes; None if there are fewer."""
    crc = 0
    with path.open("rb") as file:
        while size and (part := file.read(min(size, 2**20))):
            crc, size = zlib.crc32(part, crc), size - len(part)
    return None if size else crc


def _save(path: Path, values: npt.NDArray[np.int64]) -> None:
    """Write an array; OSError for a full disk, which np.save does not report as one."""
    content = io.BytesIO()
    np.save(content, values)
    path.write_bytes(content.getbuffer())


def _write_ids(scratch: Path, vocabulary: Vocabulary, provisional: list[str], count: int) -> None:
    """Convert provisional ids to those of the vocabulary, in chunks."""
    dtype = np.min_scalar_type(len(vocabulary) - 1)
    final = np.array([vocabulary.id_of[token] for token in provisional], dtype=dtype)
    # Neither is mapped: the pages of a whole corpus would count as memory of this process, and on a full disk
    # a mapped page fails with SIGBUS, a write with an error.
    with (scratch / "provisional").open("rb") as source, (scratch / "ids.npy").open("wb") as file:
        header = np.lib.format.header_data_from_array_1_0(np.empty(0, dtype=dtype)) | {"shape": (count,)}
        np.lib.format.write_array_header_1_0(file, header)
        while len(part := np.fromfile(source, np.uint32, REMAPPED_AT_A_TIME)):
            file.write(final[part].tobytes())
        file.flush()
        os.fsync(file.fileno())
