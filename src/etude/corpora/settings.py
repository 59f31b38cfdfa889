"""Settings of the corpora; the values are in conf/data/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from etude.addresses import address_problem
from etude.config.fields import setting
from etude.encodings.settings import EncodingConfig
from etude.plain_names import check_name, name_problem

READERS = ("fast", "music21")
MELODY = ("highest", "loudest", "longest")
QUANTISE = ("none", "nearest", "swing")


@dataclass
class Source:
    """One published file."""

    name: str = setting("file name, in the data folder and on a mirror", check=name_problem)
    url: str = setting("published address", check=address_problem)
    sha256: str = setting("checksum that the file must have")
    size: int = setting("size in bytes", low=1)
    licence: str = setting("terms, shown when the file is fetched")
    citation: str = setting("work to cite")

    def __post_init__(self) -> None:
        check_name(self.name, "data.published.name")


@dataclass(kw_only=True)
class CorpusConfig:
    """Settings of any corpus."""

    builds: ClassVar[str] = ""
    name: str = setting("short name of the corpus in run folders", check=name_problem)
    encoding: EncodingConfig = setting("how music becomes tokens")
    split: str = setting(
        "by_piece: no piece in two sets; by_window: random windows, overlapping between the sets",
        choices=("by_piece", "by_window"),
    )
    split_fractions: list[float] = setting(
        "shares of train, validation and test; they sum to 1", low=0, high=1
    )
    split_seed: int = setting("seed of the split; independent of the training seed", low=0)
    one_text: bool = setting("true: join all pieces into one text; needs split=by_window")
    objective: str = setting(
        "every: a label at each position; last: one a window, 60 times slower", choices=("every", "last")
    )
    sequence_len: int = setting("length of a training window in tokens", low=1, high=65536)
    batch_size: int = setting("windows per training step", low=1)
    eval_batch_size: int = setting("windows per validation step; limited by memory alone", low=1)
    drop_last: bool = setting("true: leave out the last training batch of an epoch if incomplete")
    bucket: bool = setting(
        "true: batches of windows of near-equal length, hardly padded; objective=every only",
        default=False,
    )
    augment_semitones: int = setting(
        "transpose each training window by up to so many semitones at random; 0: never",
        low=0,
        high=24,
        default=0,
    )
    augment_tempo: float = setting(
        "slow or speed up training windows by up to this share; 0: never", low=0, below=1, default=0.0
    )
    max_pieces: int | None = setting("read only the first so many pieces; null: all", low=1)
    max_rejected: float = setting("share of unreadable pieces above which Étude stops", low=0, high=1)
    on_device: bool = setting("true: keep the corpus in the training device's memory, 4 bytes a token")
    data_dir: str = setting("folder of downloaded files and prepared corpora")


@dataclass
class PublishedConfig(CorpusConfig):
    """Settings of a corpus that is fetched."""

    reader: str = setting("fast: Étude's own; music21: the reference, far slower", choices=READERS)
    published: Source = setting("the published file")
    mirror: str | None = setting(
        "folder or address to fetch from instead; null: the published address", check=address_problem
    )


@dataclass
class ErkConfig(PublishedConfig):
    """Settings of the erk folk songs."""

    builds: ClassVar[str] = "etude.corpora.erk.ErkCorpus"
    source: str = setting(
        "bundled: 1,781 ABC tunes from music21; kern: the tutorial's 1,700 files, fetched",
        choices=("bundled", "kern"),
    )
    transpose: bool = setting("true: transpose to C major or A minor; false: keys as printed")


@dataclass
class EssenConfig(CorpusConfig):
    """Settings of the Essen folk songs."""

    builds: ClassVar[str] = "etude.corpora.essen.EssenCorpus"
    collections: list[str] | None = setting("books to read, e.g. [erk10,fink0]; null: all 31 in music21")
    group_variants: bool = setting(
        "true: variants of a song share a set; false: only copies do, which flatters the test"
    )
    transpose: bool = setting("true: transpose to C major or A minor; false: keys as printed")


@dataclass
class MozartConfig(PublishedConfig):
    """Settings of the Mozart piano works."""

    builds: ClassVar[str] = "etude.corpora.mozart.MozartCorpus"
    section_tokens: int | None = setting(
        "cut each file into sections of so many tokens; null: whole files", low=1
    )


@dataclass
class CobbConfig(PublishedConfig):
    """Settings of Cobb's Music of Ireland."""

    builds: ClassVar[str] = "etude.corpora.cobb.CobbCorpus"
    transpose: bool = setting("true: transpose notes to C major or A minor; ignored by encoding=characters")
    augment_keys: bool = setting(
        "true: train on each tune in five keys, from one flat to three sharps; needs split=by_piece",
        default=False,
    )
    related_books: bool = setting(
        "true: also train on three other tunebooks, without variants of held-out tunes; needs by_piece",
        default=False,
    )


@dataclass
class FolderConfig(CorpusConfig):
    """Settings of a folder of your own music."""

    builds: ClassVar[str] = "etude.corpora.folders.FolderCorpus"
    path: str = setting("folder, or a single file")
    format: str = setting("file format; decides the endings", choices=("kern", "abc", "midi", "musicxml"))
    reader: str = setting("fast: Étude's own; music21: the reference, far slower", choices=READERS)
    transpose: bool = setting("true: transpose to C major or A minor; false: keys as written")
    expand_repeats: bool = setting("true: play repeats, endings, D.C. and D.S.; false: as written")
    infer_key: bool = setting("true: infer the key of a piece that states none, to transpose it")
    track: str | None = setting('use this track only: its number, name or "program 1"; null: all')
    melody: str | None = setting(
        "use the melody of the highest, loudest or longest track; null: all notes", choices=MELODY
    )
    quantise: str = setting(
        "none: snap times within 1/6 step; nearest: any, for played music; swing: even swung eighths",
        choices=QUANTISE,
    )
