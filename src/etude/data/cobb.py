"""Cobb's *Music of Ireland*: a tunebook in ABC."""

from __future__ import annotations

from typing import Any

from etude.data.files import raw_files
from etude.data.keys import to_c_major_or_a_minor
from etude.data.module import CorpusDataModule
from etude.data.preparation import Corpus, unchanged
from etude.data.readers.abc import read_abc_bytes
from etude.data.sources import Source, fetch


class CobbDataModule(CorpusDataModule):
    """804 Irish tunes, as text or as notes; ``transpose`` moves the notes to C major or A minor."""

    def __init__(self, *, transpose: bool, published: Source, mirror: str | None, **settings: Any) -> None:
        super().__init__(**settings)
        self._transpose, self._published, self._mirror = transpose, published, mirror

    def corpus(self) -> Corpus:
        """Return the raw file and how it is read."""
        path = fetch(self._published, self.data_dir / "raw", self._mirror)
        treat = to_c_major_or_a_minor if self._transpose else unchanged
        rules: dict[str, str | int | bool] = {"reader_version": 1, "transpose": self._transpose}
        return Corpus("cobb", raw_files([path]), self._published.sha256, read_abc_bytes, rules, treat)
