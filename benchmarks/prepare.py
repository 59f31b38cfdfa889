"""Processor time from files to ids: Étude against music21, and against MidiTok.

    python benchmarks/bench.py --only prepare

Everything is measured on one core, after the imports. Published corpora are read from the folder that
ETUDE_DATA_MIRROR names (erk.zip, mozart_sonatas.tar.gz, Music_of_Ireland.abc); those that are not there are
left out. music21 runs as in the tutorials, with its cache of parses off; it reads an evenly spread part of
the songs, and its time is scaled up by bytes. MidiTok's tokens (MIDILike) are nearest to `performance`.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from many_files import write_files
from rows import Row, Scale, pick, processor_seconds


class Case(NamedTuple):
    name: str
    overrides: list[str]
    file: str  # in the mirror; "": comes with music21
    part: int  # music21 gets every so many-th song in the full form
    wanted: int  # times as fast as music21


CASES = (
    Case("erk, bundled ABC", ["data=erk"], "", 10, 10),
    Case("erk, kern", ["data=erk", "data.source=kern"], "erk.zip", 20, 50),
    Case(
        "Mozart, MIDI",
        ["data=mozart", "data.one_text=true", "data.split=by_window"],
        "mozart_sonatas.tar.gz",
        5,
        40,
    ),
    Case("Cobb, ABC", ["data=cobb", "data/encoding=note_duration"], "Music_of_Ireland.abc", 10, 10),
)


def rows(scale: Scale) -> list[Row]:
    if hasattr(os, "sched_setaffinity"):  # so that no helper processes start, whose time would not count
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    folder = Path(os.environ.get("ETUDE_DATA_MIRROR", ""))
    cases = CASES if scale == "full" else CASES[:1]
    found = [
        against_music21(case, folder, scale)
        for case in cases
        if not case.file or (folder / case.file).exists()
    ]
    return [*found, *midi_files(pick(scale, 3, 100, 300))]


def against_music21(case: Case, folder: Path, scale: Scale) -> Row:
    from etude.config.build import build
    from etude.config.compose import compose

    with tempfile.TemporaryDirectory() as data_dir:
        overrides = [*case.overrides, f"data.mirror={folder}", f"data.data_dir={data_dir}"]
        data = build(compose("prepare", overrides).data)
        ours = processor_seconds(lambda: data.store, 1)
    every = case.part * pick(scale, 60, 4, 1)
    name = f"prepare {case.name}, {len(data.store):,} pieces"
    return Row(name, ours, "s", "music21", by_music21(case.name, folder, every), False, case.wanted)


def by_music21(name: str, folder: Path, every: int) -> float:
    """Return the seconds for all songs, from those for every so many-th one."""
    from music21 import converter  # noqa: F401

    songs = list(SONGS[name](folder))
    chosen = sorted(songs, key=lambda song: len(song[1]))[every // 2 :: every]
    read = mozart_tokens if name.startswith("Mozart") else melody_tokens
    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch) / f"{number}{suffix}" for number, (suffix, _) in enumerate(chosen)]
        for path, (_, data) in zip(paths, chosen, strict=True):
            path.write_bytes(data)
        seconds = processor_seconds(lambda: [read(path) for path in paths], 1)
    return seconds * sum(len(data) for _, data in songs) / sum(len(data) for _, data in chosen)


def midi_files(count: int) -> list[Row]:
    """Compare with MidiTok and music21 on MIDI files of 200 to 2,000 notes."""
    from music21 import converter

    from etude.corpora.preparation import Corpus, RawFile, encode_file
    from etude.encodings import PerformanceEncoding
    from etude.formats.any_file import reader_of

    corpus, encoding = Corpus("midi", tuple, "", reader_of("midi"), {}), PerformanceEncoding()
    with tempfile.TemporaryDirectory() as scratch:
        write_files(Path(scratch) / "music", count)
        paths = sorted((Path(scratch) / "music").iterdir())

        def ours() -> None:
            for path in paths:
                encode_file(RawFile(path.name, path), corpus=corpus, encoding=encoding)

        few = paths[: max(1, count // 50)]
        rates = count / processor_seconds(ours), by_miditok(paths)
        slow = len(few) / processor_seconds(lambda: [converter.parse(path) for path in few], 1)
    return [
        Row("MIDI files to tokens", rates[0], "files/s", "MidiTok", rates[1], True),
        Row("MIDI files to tokens", rates[0], "files/s", "music21, parsed alone", slow, True, 40),
    ]


def by_miditok(paths: list[Path]) -> float | None:
    """Return files per second; None if MidiTok is not installed."""
    if importlib.util.find_spec("miditok") is None:
        return None
    from miditok import MIDILike

    tokenizer = MIDILike()
    return len(paths) / processor_seconds(lambda: [tokenizer(path) for path in paths])


def mozart_tokens(path: Path) -> list[str]:
    from etude.encodings.music21_midi.tokens import music21_tokens

    return music21_tokens(path)


def melody_tokens(path: Path) -> list[str]:
    """As the tutorials do it: parse, check durations, transpose, one token a sixteenth."""
    from music21 import converter, interval, pitch
    from music21.exceptions21 import Music21Exception

    try:
        song = converter.parse(path, forceSource=True)
    except Music21Exception:
        return []  # a tune that music21 cannot read
    if any(4 * event.duration.quarterLength % 1 for event in song.flatten().notesAndRests):
        return []
    key = song.flatten().getElementsByClass("Key").first()
    if key is not None:
        song = song.transpose(interval.Interval(key.tonic, pitch.Pitch("A" if key.mode == "minor" else "C")))
    tokens = []
    for event in song.flatten().notesAndRests:
        symbol = str(event.pitch.midi) if event.isNote else "r"
        tokens += [symbol, *["_"] * (int(4 * event.duration.quarterLength) - 1)]
    return tokens


def kern_songs(folder: Path) -> Iterator[tuple[str, bytes]]:
    from etude.corpora.archives import read_archive

    return ((".krn", data) for name, data in read_archive(folder / "erk.zip") if name.endswith(".krn"))


def bundled_tunes(_: Path) -> Iterator[tuple[str, bytes]]:
    from etude.corpora.essen_books import bundled_tunebooks

    return (tune for book in bundled_tunebooks() for tune in tunes_of(book))


def cobb_tunes(folder: Path) -> Iterator[tuple[str, bytes]]:
    return tunes_of(folder / "Music_of_Ireland.abc")


def mozart_works(folder: Path) -> Iterator[tuple[str, bytes]]:
    from etude.corpora.archives import read_archive

    archive = read_archive(folder / "mozart_sonatas.tar.gz")
    return ((".mid", data) for name, data in archive if name.endswith(".mid"))


def tunes_of(book: Path) -> Iterator[tuple[str, bytes]]:
    return ((".abc", b"X:" + tune) for tune in book.read_bytes().split(b"\nX:")[1:])


SONGS: dict[str, Callable[[Path], Iterator[tuple[str, bytes]]]] = {
    "erk, bundled ABC": bundled_tunes,
    "erk, kern": kern_songs,
    "Mozart, MIDI": mozart_works,
    "Cobb, ABC": cobb_tunes,
}
