"""Cobb's *Music of Ireland*: a tunebook in ABC."""

from __future__ import annotations

from typing import Any

from etude.corpora.data_module import CorpusDataModule
from etude.corpora.preparation import Corpus, unchanged
from etude.corpora.raw_files import raw_files
from etude.corpora.sources import Source, fetch
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.music21_reader import read_tunebook_with_music21_bytes
from etude.music.transposition import to_c_major_or_a_minor


class CobbDataModule(CorpusDataModule):
    """804 Irish tunes, as text or as notes; ``transpose`` moves the notes to C major or A minor.

    ``reader="music21"`` has music21 read the notes, slowly and without their repeats; the text is the text.
    """

    def __init__(
        self, *, reader: str, transpose: bool, published: Source, mirror: str | None, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self._reader, self._transpose, self._published, self._mirror = reader, transpose, published, mirror

    def corpus(self) -> Corpus:
        """Return the raw file and how it is read."""
        path = fetch(self._published, self.data_dir / "raw", self._mirror)
        treat = to_c_major_or_a_minor if self._transpose else unchanged
        read = read_tunebook_with_music21_bytes if self._reader == "music21" else read_abc_bytes
        rules: dict[str, str | int | bool] = {
            "reader": self._reader, "reader_version": 1, "transpose": self._transpose,
        }  # fmt: skip
        return Corpus("cobb", raw_files([path]), self._published.sha256, read, rules, treat)
