"""The Essen folk song collection, with the variants of each song in one set."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from etude.corpora.essen_books import (
    COLLECTIONS,
    ERK_TUNEBOOKS,
    bundled_tunebooks,
    collection_files,
    mended_books,
    read_essen_bytes,
)
from etude.corpora.preparation import Corpus, unchanged
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.settings import EssenConfig
from etude.corpora.shuffle import uniform
from etude.corpora.sources import files_sha256
from etude.corpora.splits import Subset
from etude.corpora.variants import Song, remembered_songs
from etude.formats.abc.reader import read_abc_bytes
from etude.music import Piece
from etude.music.transposition import to_c_major_or_a_minor

Ints = npt.NDArray[np.int64]

RULES = {"reader_version": 3}  # rises when any song is read otherwise

# Tune hashes of the **kern edition for the erk songs whose notes differ in ABC, so that they are in the same
# set of both editions: deut0957, 0999, 1328, 1430, 1543, 1605, 1821 and 2265.
KERN_TUNES = {
    "erk10.abc X:406": 8390851894093247725,
    "erk10.abc X:450": 8830158015239164778,
    "erk20.abc X:129": 8834905081596445701,
    "erk20.abc X:237": 413524748434276440,
    "erk20.abc X:354": 5699918670313973437,
    "erk30.abc X:54": 1312273780814670305,
    "erk30.abc X:278": 5700076790624402704,
    "erk5.abc X:26": 3796367831596702902,
}


class EssenCorpus(PreparedCorpus):
    """Folk songs of the books in music21, in C major or A minor (or as printed), split by group of variants.

    The groups are those of all books, whichever ``collections`` are read. A group with an *erk* song goes
    where that song goes under ``data=erk``: to the test set if any of its erk songs is tested there, else to
    the validation set if any is validated. Other groups go by the hash of a tune.
    """

    config: EssenConfig

    def __init__(self, config: EssenConfig) -> None:
        super().__init__(config)
        chosen = COLLECTIONS if config.collections is None else config.collections
        self._files = collection_files(chosen)

    def corpus(self) -> Corpus:
        """Return the tunebooks and how they are read."""
        return Corpus(
            "essen",
            partial(mended_books, self._files),
            files_sha256(bundled_tunebooks(self._files)),
            partial(read_essen_bytes, read=read_abc_bytes),
            {
                "music21": importlib.metadata.version("music21"),
                **RULES,
                "transpose": self.config.transpose,
            },
            to_c_major_or_a_minor if self.config.transpose else unchanged,
        )

    @cached_property
    def songs(self) -> dict[str, Song]:
        """Tune hash and group of each song of all books, by name; cached beside the store."""
        return _remembered_songs(self.data_dir / "store")

    @cached_property
    def tunes(self) -> Ints:
        """Tune hash of each piece; with ``group_variants``, of the song that decides for its group."""
        if not self.config.group_variants:
            return np.array([self._song(index).tune for index in range(len(self.store))], dtype=np.int64)
        deciding = deciding_tunes(self.songs, self.config.split_seed)
        return np.array(
            [
                deciding.get(self._song(index).group, self.store.tunes[index])
                for index in range(len(self.store))
            ],
            dtype=np.int64,
        )

    def _song(self, index: int) -> Song:
        """Return the song of a piece; one that is not a whole song, such as a section, has no variants."""
        return self.songs.get(self.store.names[index], Song("", "", int(self.store.tunes[index]), -1))

    def test_parts(self) -> dict[str, Subset]:
        """Return the test songs without variants, and of those that ``data=erk`` tests, all and without."""
        if self.config.split != "by_piece":
            return {}
        pieces = self.split.test.pieces
        songs = [self._song(index) for index in pieces.tolist()]
        erk = np.array([_is_erk(self.store.names[index]) for index in pieces.tolist()], dtype=bool)
        own = uniform(np.array([song.tune for song in songs], dtype=np.int64), self.config.split_seed)
        erk &= own >= sum(self.config.split_fractions[:2])
        sizes = np.bincount([song.group for song in self.songs.values()])
        alone = np.array([song.group < 0 or sizes[song.group] == 1 for song in songs], dtype=bool)
        parts = {"songs without variants": alone, "erk songs": erk, "erk songs without variants": erk & alone}
        return {name: Subset(pieces[kept]) for name, kept in parts.items() if kept.any()}


def deciding_tunes(songs: dict[str, Song], split_seed: int) -> dict[int, int]:
    """Return for each group the tune hash that decides its set.

    In a group with erk songs it is that of the erk song which comes last in the split: test before validation
    before training. In others it is the least hash, so that larger groups are not tested more often.
    """
    deciding: dict[int, int] = {}
    erk: dict[int, tuple[float, int]] = {}
    positions = uniform(np.array([song.tune for song in songs.values()], dtype=np.int64), split_seed)
    for (name, song), position in zip(songs.items(), positions.tolist(), strict=True):
        deciding[song.group] = min(song.tune, deciding.get(song.group, song.tune))
        if _is_erk(name):
            erk[song.group] = max((position, song.tune), erk.get(song.group, (-1.0, 0)))
    return deciding | {group: tune for group, (_, tune) in erk.items()}


def _is_erk(name: str) -> bool:
    return name.partition(" ")[0] in ERK_TUNEBOOKS


def _remembered_songs(store_dir: Path) -> dict[str, Song]:
    """Return the songs of all books from the cache, or group them (seconds) and write it."""
    files = collection_files(COLLECTIONS)

    def read() -> Iterator[Piece]:
        for book in mended_books(files):
            yield from read_essen_bytes(book.data, book.name, read_abc_bytes).pieces

    songs = remembered_songs(store_dir, f"{files_sha256(bundled_tunebooks(files))}:{RULES}", read)
    return {song.name: song._replace(tune=KERN_TUNES.get(song.name, song.tune)) for song in songs}
