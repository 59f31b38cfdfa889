"""A user's own music: a folder of files, or one tunebook."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from etude.corpora.preparation import Corpus, RawFile
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.settings import FolderConfig
from etude.corpora.sources import files_sha256
from etude.corpora.treatment import Treatment
from etude.errors import EtudeError
from etude.files import atomic_write
from etude.formats.any_file import READERS, reader_of


class FolderCorpus(PreparedCorpus):
    """Files of one format below ``path`` (or ``path`` itself), in name order.

    Every file counts that has the format's ending; links to folders are not followed, and a folder with such
    a name is reported beside the files that cannot be read. ``reader="music21"``
    has music21 read them, slowly, in place of our own reader.
    """

    config: FolderConfig

    def __init__(self, config: FolderConfig) -> None:
        super().__init__(config)
        if config.infer_key and not config.transpose:
            raise EtudeError("data.infer_key=true has no effect without data.transpose=true")

    def corpus(self) -> Corpus:
        """Return the raw files and how they are read; EtudeError if there is none."""
        endings = READERS[self.config.format][0]
        by_music21 = self.config.reader == "music21"
        expand = self.config.expand_repeats
        read = reader_of(self.config.format, by_music21=by_music21, expand_repeats=expand)
        root = Path(self.config.path).expanduser()
        names = _names(root, endings)
        rules: dict[str, str | int | bool] = {
            "reader": self.config.reader,
            "reader_version": 10,
            "format": self.config.format,
            "transpose": self.config.transpose,
            "quantise": self.config.quantise,
            "expand_repeats": self.config.expand_repeats,
            "grid_version": 2,
        }
        if self.config.infer_key:
            rules["infer_key"] = 1  # the version of its rules
        chosen = {"track": self.config.track, "melody": self.config.melody}
        rules |= {name: value for name, value in chosen.items() if value is not None}
        if self.config.melody is not None:
            rules["melody_version"] = 2
        treat = Treatment(self.config.track, self.config.melody, transpose=self.config.transpose)
        fingerprint = _remembered_sha256(root, names, self.data_dir / "store")
        return Corpus(
            self.name,
            partial(FolderFiles, root, names),
            fingerprint,
            read,
            rules,
            treat,
            by_music21=by_music21,
            quantise=self.config.quantise,
            infer_key=self.config.infer_key,
            by_piece=any(chosen.values()),
        )


def _names(root: Path, endings: tuple[str, ...]) -> list[str]:
    """Return the sorted relative paths of files with these suffixes below ``root``; [""] for a file."""
    if root.is_file():
        return [""]
    if not root.is_dir():
        raise EtudeError(f"data.path={root}: there is no such file or folder")
    found = []
    for folder, folders, files in os.walk(root):
        folders.sort()
        inside = Path(folder).relative_to(root)
        found += [str(inside / name) for name in (*folders, *files) if name.lower().endswith(endings)]
    if not found:
        raise EtudeError(f"data.path={root}: no file there ends with {' or '.join(endings)}")
    return sorted(found)


class FolderFiles(Iterable[RawFile]):
    """The files with these names below ``root`` ("": ``root`` itself), and their number."""

    def __init__(self, root: Path, names: list[str]) -> None:
        self._root, self._names = root, names

    def __iter__(self) -> Iterator[RawFile]:
        for name in self._names:
            yield RawFile(_printable(name or self._root.name), self._root / name if name else self._root)

    def __len__(self) -> int:
        return len(self._names)


def _remembered_sha256(root: Path, names: list[str], store_dir: Path) -> str:
    """Return the hash of the files, cached while no size or modification time changes."""
    paths = [root / name if name else root for name in names]
    seen = [[name, *_size_and_time(path)] for name, path in zip(names, paths, strict=True)]
    listing = json.dumps(seen)
    place = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:12]
    memory = store_dir / f".hashes-{place}.json"
    try:
        remembered = json.loads(memory.read_text(encoding="utf-8"))
        if remembered["listing"] == listing:
            return str(remembered["sha256"])
    except (OSError, ValueError, KeyError):
        pass
    sha256 = files_sha256(path for path in paths if path.is_file() and os.access(path, os.R_OK))
    store_dir.mkdir(parents=True, exist_ok=True)
    atomic_write(memory, json.dumps({"listing": listing, "sha256": sha256}).encode())
    return sha256


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (-1, -1)
    return found.st_size, found.st_mtime_ns


def _printable(name: str) -> str:
    """Return a file's name as valid UTF-8, with invalid bytes written as ``\\udcfc``."""
    return name.encode("utf-8", "backslashreplace").decode()
