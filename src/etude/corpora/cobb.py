"""Cobb's *Music of Ireland*: a tunebook in ABC."""

from __future__ import annotations

from etude.corpora.preparation import Corpus, unchanged
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.raw_files import raw_files
from etude.corpora.settings import CobbConfig
from etude.corpora.sources import fetch
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.music21_reader import read_tunebook_with_music21_bytes
from etude.music.transposition import to_c_major_or_a_minor


class CobbCorpus(PreparedCorpus):
    """804 Irish tunes, as text or as notes; ``transpose`` moves the notes to C major or A minor.

    ``reader="music21"`` has music21 read the notes, slowly and without their repeats; the text is the text.
    """

    config: CobbConfig

    def __init__(self, config: CobbConfig) -> None:
        super().__init__(config)

    def corpus(self) -> Corpus:
        """Return the raw file and its reader."""
        path = fetch(self.config.published, self.data_dir / "raw", self.config.mirror)
        treat = to_c_major_or_a_minor if self.config.transpose else unchanged
        read = read_tunebook_with_music21_bytes if self.config.reader == "music21" else read_abc_bytes
        rules: dict[str, str | int | bool] = {
            "reader": self.config.reader, "reader_version": 2, "transpose": self.config.transpose,
        }  # fmt: skip
        return Corpus("cobb", raw_files([path]), self.config.published.sha256, read, rules, treat)
