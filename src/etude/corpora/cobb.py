"""Cobb's *Music of Ireland*: a tunebook in ABC."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from etude.corpora.preparation import Corpus, RawFile, unchanged
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.settings import CobbConfig
from etude.corpora.sources import fetch
from etude.corpora.splits import Split, Subset
from etude.errors import EtudeError, ReadError
from etude.formats.abc.reader import TUNE_START, parse_abc, read_abc_bytes
from etude.formats.abc.transposition import transposed_text
from etude.formats.base import decode_text
from etude.formats.music21_reader import read_tunebook_with_music21_bytes
from etude.music.transposition import to_c_major_or_a_minor

KEYS = range(-1, 4)  # sharps of the signatures that copies have; all but ten tunes are in one of them
COPIES = "transposed "  # before the name of the file


class CobbCorpus(PreparedCorpus):
    """804 Irish tunes, as text or as notes; ``transpose`` moves the notes to C major or A minor.

    With ``augment_keys`` the training set has each of its tunes in other keys too; validation and test sets
    have theirs as printed. ``reader="music21"`` has music21 read the notes, slowly and without their repeats;
    the text is the text.
    """

    config: CobbConfig

    def __init__(self, config: CobbConfig) -> None:
        super().__init__(config)
        if config.augment_keys and config.split != "by_piece":
            raise EtudeError(
                "data.augment_keys=true needs data.split=by_piece: with windows of one tune in two sets, "
                "copies of validation music would be trained on"
            )

    def corpus(self) -> Corpus:
        """Return the raw file and its reader."""
        path = fetch(self.config.published, self.data_dir / "raw", self.config.mirror)
        treat = to_c_major_or_a_minor if self.config.transpose else unchanged
        read = read_tunebook_with_music21_bytes if self.config.reader == "music21" else read_abc_bytes
        rules: dict[str, str | int | bool] = {
            "reader": self.config.reader, "reader_version": 2, "transpose": self.config.transpose,
        }  # fmt: skip
        if self.config.augment_keys:
            rules["copies_version"] = 2
        files = partial(_tunebook, path, copies=self.config.augment_keys)
        return Corpus("cobb", files, self.config.published.sha256, read, rules, treat)

    @property
    def split(self) -> Split:
        """Training, validation and test labels; copies in other keys are trained on only."""
        found = super().split
        if not self.config.augment_keys:
            return found
        printed = np.array([not name.startswith(COPIES) for name in self.store.names])
        val, test = (Subset(pieces[printed[pieces]]) for pieces in (found.val.pieces, found.test.pieces))
        return Split(found.train, val, test)


def _tunebook(path: Path, *, copies: bool) -> Iterator[RawFile]:
    """Yield the tunebook and, if asked for, one of its tunes in other keys."""
    yield RawFile(path.name, path)
    if not copies:
        return
    text = decode_text(path.read_bytes(), path.name)
    found = [copy for tune in TUNE_START.split(text)[1:] for copy in tunes_in_other_keys(tune)]
    yield RawFile(COPIES + path.name, "".join(found).encode())


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
