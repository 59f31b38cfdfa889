"""Settings of the corpora; the values are in conf/data/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from etude.config.fields import setting

READERS = ("fast", "music21")


@dataclass
class CorpusConfig:
    """What every etude.corpora.data_module.CorpusDataModule takes."""

    _target_: str = setting()
    name: str = setting("short name of the corpus in run folders; give your own")
    encoding: Any = setting()
    split: str = setting(
        "by_piece: no piece is in two sets; by_window: at random, as the tutorials do (sets overlap)",
        choices=("by_piece", "by_window"),
    )
    split_fractions: list[float] = setting("train, validation, test, as in the lab", low=0, high=1)
    split_seed: int = setting(
        "another whole number gives another assignment; apart from the training seed so that runs compare",
        low=0,
    )
    one_text: bool = setting(
        "true: join all pieces into one text, as the lab and the char-RNN do; needs split=by_window"
    )
    objective: str = setting(
        "every: a label at each position; last: one label a window, as published, some 60 times slower",
        choices=("every", "last"),
    )
    sequence_len: int = setting("tokens a window", low=1, high=65536)
    batch_size: int = setting(
        "windows a training step, as published; 32 takes twice the steps an epoch and fewer epochs", low=1
    )
    eval_batch_size: int = setting(
        "windows (or their tokens in whole pieces) a validation step; memory alone sets the limit", low=1
    )
    drop_last: bool = setting("true: leave out the last training batch of an epoch if it is not full")
    max_pieces: int | None = setting(
        "use only the first pieces of the corpus (for a quick look); null: all", low=1
    )
    max_rejected: float = setting(
        "stop if more than this share of the pieces cannot be read or encoded", low=0, high=1
    )
    on_device: bool = setting(
        "true: the corpus lies on the device that trains, 4 bytes a token, and batches are gathered there"
    )
    data_dir: str = setting("raw files and prepared corpora land here")


@dataclass
class PublishedConfig:
    """etude.corpora.sources.Source: a file that somebody published."""

    _target_: str = setting()
    name: str = setting("short name of the corpus in run folders; give your own")
    url: str = setting("where it was published")
    sha256: str = setting("what it must be")
    size: int = setting("bytes", low=1)
    licence: str = setting("shown when it is fetched")
    citation: str = setting("whom to cite")


@dataclass
class ErkConfig(CorpusConfig):
    """etude.corpora.erk.ErkDataModule."""

    source: str = setting(
        "bundled: 1,781 tunes in ABC that come with music21; kern: the tutorial's 1,700 files, fetched",
        choices=("bundled", "kern"),
    )
    reader: str = setting(
        "fast: our own; music21: slower, the reference, the only one for MusicXML", choices=READERS
    )
    transpose: bool = setting(
        "true: to C major or A minor, so that a model learns degrees; false: keys as written"
    )
    published: PublishedConfig = setting()
    mirror: str | None = setting("folder or address to take it from instead; null: the published address")


@dataclass
class MozartConfig(CorpusConfig):
    """etude.corpora.mozart.MozartDataModule."""

    reader: str = setting(
        "fast: our own; music21: slower, the reference, the only one for MusicXML", choices=READERS
    )
    section_tokens: int | None = setting(
        "cut each file into sections of this many tokens; null: whole files",
        low=1,
    )
    published: PublishedConfig = setting()
    mirror: str | None = setting("folder or address to take it from instead; null: the published address")


@dataclass
class CobbConfig(CorpusConfig):
    """etude.corpora.cobb.CobbDataModule."""

    reader: str = setting(
        "fast: our own; music21: slower, the reference, the only one for MusicXML", choices=READERS
    )
    transpose: bool = setting(
        "true: to C major or A minor, so that a model learns degrees; false: keys as written"
    )
    published: PublishedConfig = setting()
    mirror: str | None = setting("folder or address to take it from instead; null: the published address")


@dataclass
class FolderConfig(CorpusConfig):
    """etude.corpora.folders.FolderDataModule."""

    path: str = setting("the folder, or a single file")
    format: str = setting(
        "kern, abc, midi or musicxml: which files count, and how they are read",
        choices=("kern", "abc", "midi", "musicxml"),
    )
    reader: str = setting(
        "fast: our own; music21: slower, the reference, the only one for MusicXML", choices=READERS
    )
    transpose: bool = setting(
        "true: to C major or A minor, so that a model learns degrees; false: keys as written"
    )
