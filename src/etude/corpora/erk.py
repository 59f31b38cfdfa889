"""The EsAC *erk* corpus of German folk songs, from either of its two sources."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from etude.corpora.archives import read_archive
from etude.corpora.essen_books import ERK_TUNEBOOKS, bundled_tunebooks, mended_books, read_essen_bytes
from etude.corpora.preparation import Corpus, RawFile, unchanged
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.settings import ErkConfig
from etude.corpora.sources import fetch, files_sha256
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.kern.reader import read_kern_bytes
from etude.formats.music21_reader import read_tunebook_with_music21_bytes, read_with_music21_bytes
from etude.music.transposition import to_c_major_or_a_minor


class ErkCorpus(PreparedCorpus):
    """Folk songs in C major or A minor (or as printed), split by song.

    ``source="bundled"``: 1,781 tunes in ABC that come with music21, no download. ``source="kern"``: the
    1,700 ``**kern`` files of the published tutorial, fetched from ``mirror`` or from where they were
    ``published``. ``reader="music21"`` has music21 read them, slowly, in place of our own readers.
    """

    config: ErkConfig

    def __init__(self, config: ErkConfig) -> None:
        super().__init__(config)

    def corpus(self) -> Corpus:
        """Return the raw files and how they are read."""
        treat = to_c_major_or_a_minor if self.config.transpose else unchanged
        by_music21 = self.config.reader == "music21"
        rules: dict[str, str | int | bool] = {
            "reader": self.config.reader, "reader_version": 3, "transpose": self.config.transpose,
        }  # fmt: skip
        if self.config.source == "kern":
            archive = fetch(self.config.published, self.data_dir / "raw", self.config.mirror)
            files = partial(_songs, archive)
            read = read_with_music21_bytes if by_music21 else read_kern_bytes
            return Corpus("erk-kern", files, self.config.published.sha256, read, rules, treat)
        books = bundled_tunebooks()
        read = partial(
            read_essen_bytes, read=read_tunebook_with_music21_bytes if by_music21 else read_abc_bytes
        )
        files = partial(mended_books, ERK_TUNEBOOKS)
        return Corpus("erk-bundled", files, files_sha256(books), read, rules, treat)


def _songs(archive: Path) -> Iterator[RawFile]:
    """Return the ``.krn`` files of an archive, in name order."""
    for name, data in read_archive(archive):
        if name.endswith(".krn"):
            yield RawFile(name, data)
