"""The EsAC *erk* corpus of German folk songs, from either of its two sources."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from etude.data.archives import read_archive
from etude.data.keys import to_c_major_or_a_minor
from etude.data.module import CorpusDataModule
from etude.data.preparation import Corpus
from etude.data.readers.abc import read_abc
from etude.data.readers.base import Reading
from etude.data.readers.essen import bundled_tunebooks, infer_mode
from etude.data.readers.kern import read_kern_bytes
from etude.data.sources import ERK, fetch
from etude.scores import Piece


class ErkDataModule(CorpusDataModule):
    """Folk songs in C major or A minor (or as printed), split by song.

    ``source="bundled"``: 1,781 tunes in ABC that come with music21, no download. ``source="kern"``: the
    1,700 ``**kern`` files of the published tutorial, fetched from ``mirror`` or from where they were
    published.
    """

    def __init__(self, *, source: str, transpose: bool, mirror: str | None, **settings: Any) -> None:
        super().__init__(**settings)
        self._source, self._transpose, self._mirror = source, transpose, mirror

    def corpus(self) -> Corpus:
        """Return the raw files and how they are read."""
        rules: dict[str, str | int | bool] = {"reader_version": 1, "transpose": self._transpose}
        if self._source == "kern":
            archive = fetch(ERK, self.data_dir / "raw", self._mirror)
            return Corpus("erk-kern", (archive,), _read_kern_archive, self._treat, rules)
        return Corpus("erk-bundled", tuple(bundled_tunebooks()), _read_bundled, self._treat, rules)

    def _treat(self, piece: Piece) -> Piece:
        return to_c_major_or_a_minor(piece) if self._transpose else piece


def _read_bundled(path: Path) -> Reading:
    """Read a tunebook whose K: lines give the tonic alone; the mode is inferred from the third."""
    reading = read_abc(path)
    return Reading([replace(piece, key=infer_mode(piece)) for piece in reading.pieces], reading.rejected)


def _read_kern_archive(path: Path) -> Reading:
    """Read every ``.krn`` file of an archive, in name order."""
    whole = Reading([], [])
    for name, data in read_archive(path):
        if name.endswith(".krn"):
            reading = read_kern_bytes(data, name)
            whole.pieces.extend(reading.pieces)
            whole.rejected.extend(reading.rejected)
    return whole
