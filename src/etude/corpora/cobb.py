"""Cobb's *Music of Ireland*: a tunebook in ABC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from etude.corpora import tunebooks
from etude.corpora.preparation import Corpus, RawFile, unchanged
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.settings import CobbConfig
from etude.corpora.sources import fetch, files_sha256
from etude.corpora.splits import Split, Subset
from etude.corpora.tunebooks import tunebook_files, tunes_in_cobbs_layout
from etude.corpora.variants import remembered_songs
from etude.errors import EtudeError, ReadError
from etude.formats.abc.reader import TUNE_START, parse_abc, read_abc_bytes
from etude.formats.abc.transposed_text import transposed_text
from etude.formats.base import decode_text
from etude.formats.music21_reader import read_tunebook_with_music21_bytes
from etude.music import Piece
from etude.music.transposition import to_c_major_or_a_minor

RULES = {"reader_version": 2}  # rises when any tune is read otherwise
KEYS = range(-1, 4)  # sharps of the signatures that copies have; all but ten tunes are in one of them
COPIES, RELATED = "transposed ", "related "  # before the name of the file


class CobbCorpus(PreparedCorpus):
    """804 Irish tunes, as text or as notes; ``transpose`` moves the notes to C major or A minor.

    With ``augment_keys`` the training set has each of its tunes in other keys too; validation and test sets
    have theirs as printed. With ``related_books`` it also has the tunes of three other books, without
    variants and namesakes of validation and test tunes. ``reader="music21"`` has music21 read the notes,
    slowly and without their repeats; the text is the text.
    """

    config: CobbConfig

    def __init__(self, config: CobbConfig) -> None:
        super().__init__(config)
        for name, chosen in (("augment_keys", config.augment_keys), ("related_books", config.related_books)):
            if chosen and config.split != "by_piece":
                raise EtudeError(
                    f"data.{name}=true needs data.split=by_piece: with windows of one tune in two sets, "
                    "copies of validation music would be trained on"
                )
        if config.related_books and config.reader == "music21":
            raise EtudeError(
                "data.related_books=true needs data.reader=fast: music21 plays no repeats, so variants of "
                "held-out tunes would not be found"
            )

    def corpus(self) -> Corpus:
        """Return the raw file and its reader."""
        path = fetch(self.config.published, self.data_dir / "raw", self.config.mirror)
        treat = to_c_major_or_a_minor if self.config.transpose else unchanged
        read = read_tunebook_with_music21_bytes if self.config.reader == "music21" else read_abc_bytes
        rules: dict[str, str | int | bool] = {
            "reader": self.config.reader, **RULES, "transpose": self.config.transpose,
        }  # fmt: skip
        if self.config.augment_keys:
            rules["copies_version"] = 2
        if self.config.related_books:
            rules |= {
                "related": files_sha256(tunebook_files()),
                "related_version": tunebooks.RULES["reader_version"],
            }
        files = partial(_tunebooks, path, copies=self.config.augment_keys, related=self.config.related_books)
        return Corpus("cobb", files, self.config.published.sha256, read, rules, treat)

    def divided(self) -> Split:
        """Return the split; copies in other keys and tunes of other books are only in the training set."""
        found = super().divided()
        if not (self.config.augment_keys or self.config.related_books):
            return found
        names = np.array(self.store.names)
        related = np.char.startswith(names, RELATED)
        printed = ~related & ~np.char.startswith(names, COPIES)
        val, test = (Subset(pieces[printed[pieces]]) for pieces in (found.val.pieces, found.test.pieces))
        train = found.train.pieces
        if related.any():
            unlike = self._unlike(set(self.store.tunes[np.append(val.pieces, test.pieces)].tolist()))
            kept = np.flatnonzero(related & np.isin(names, list(unlike)))
            train = np.union1d(train[~related[train]], kept)
        return Split(Subset(train), val, test)

    def _unlike(self, held_out: set[int]) -> set[str]:
        """Return the names of tunes that are no variant of a held-out tune and have another title."""

        def read() -> Iterator[Piece]:
            path = fetch(self.config.published, self.data_dir / "raw", self.config.mirror)
            for file in _tunebooks(path, copies=False, related=True):
                yield from read_abc_bytes(file.data, file.name).pieces

        files = f"{self.config.published.sha256}:{files_sha256(tunebook_files())}"
        made_of = f"{files}:{RULES}:{tunebooks.RULES}"
        songs = remembered_songs(self.data_dir / "store", made_of, read)
        like = [song for song in songs if song.tune in held_out]
        groups, titles = {song.group for song in like}, {_words(song.title) for song in like}
        return {song.name for song in songs if song.group not in groups and _words(song.title) not in titles}


def _words(title: str) -> str:
    """Return a title without articles, punctuation and capitals."""
    return " ".join(word for word in re.findall(r"\w+", title.lower()) if word not in ("a", "an", "the"))


def _tunebooks(path: Path, *, copies: bool, related: bool) -> Iterator[RawFile]:
    """Yield the tunebook; ``copies``: its tunes in other keys; ``related``: other books."""
    yield RawFile(path.name, path)
    text = decode_text(path.read_bytes(), path.name)
    if copies:
        found = [copy for tune in TUNE_START.split(text)[1:] for copy in tunes_in_other_keys(tune)]
        yield RawFile(COPIES + path.name, "".join(found).encode())
    if related:
        for book in tunes_in_cobbs_layout(set(text)):
            yield RawFile(RELATED + book.name, book.content)


def tunes_in_other_keys(tune: str) -> Iterator[str]:
    """Yield a tune in the other keys of KEYS; nothing for one that cannot be read or transposed.

    Each copy has the notes of the tune, transposed: so the split puts it into the set of the tune.
    """
    pieces = parse_abc(tune).pieces
    if len(pieces) != 1 or pieces[0].key is None:
        return
    for sharps in KEYS:
        fifths = sharps - pieces[0].key.fifths
        if not fifths:
            continue
        try:
            copy = transposed_text(tune, fifths)
            same = pieces[0].transposed((7 * fifths + 5) % 12 - 5)
        except (ReadError, ValueError):
            continue
        if parse_abc(copy).pieces == [same]:
            yield copy
