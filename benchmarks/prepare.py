"""Measure the time from published files to ids: cold, opened again, and with music21.

    python benchmarks/prepare.py FOLDER [--full] [--only NAME]

FOLDER holds erk.zip, mozart_sonatas.tar.gz and Music_of_Ireland.abc. Each time is measured in a fresh
process, after its imports, with the raw files in the page cache: cold in an empty data folder (the files
are copied there, hashed, read, encoded, written), warm in the same folder again; the median of three.
music21 runs as in the tutorials, with its cache of parses off. It reads an evenly spread part of the
songs, and its time is scaled up by bytes, unless --full is given.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from machine import heading, print_table

REPEATS = 3


class Case(NamedTuple):
    overrides: list[str]
    part: int  # music21 gets every so many-th song; 0: music21 is not used for it
    target: int  # times as fast as music21


CASES = {
    "erk, kern": Case(["data=erk", "data.source=kern"], 10, 50),
    "erk, bundled": Case(["data=erk"], 10, 10),
    "Mozart": Case(["data=mozart", "data.one_text=true", "data.split=by_window"], 5, 40),
    "Cobb, text": Case(["data=cobb"], 0, 0),
    "Cobb, notes": Case(["data=cobb", "data/encoding=note_duration"], 10, 0),
}


def main(folder: Path, *, full: bool, only: str) -> None:
    print(heading("Preparing a corpus"))
    rows = [
        ["corpus", "pieces", "tokens", "cold, s", "warm, ms", "music21, s", "of it run", "ratio", "target"]
    ]
    for name, case in CASES.items():
        if only in name:
            rows.append(row(name, case, folder, full=full))
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    print_table(rows)


def row(name: str, case: Case, folder: Path, *, full: bool) -> list[str]:
    colds, warms = [], []
    counts: dict[str, float] = {}
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as data_dir:
            overrides = [*case.overrides, f"data.mirror={folder}", f"data.data_dir={data_dir}"]
            counts = alone("--ours", *overrides)
            colds.append(counts["seconds"])
            warms.append(alone("--ours", *overrides)["seconds"])
    shown = [name, f"{counts['pieces']:,}", f"{counts['tokens']:,}", f"{median(colds):.2f}"]
    shown.append(f"{1000 * median(warms):.0f}")
    if not case.part:
        return [*shown, "", "", "", ""]
    found = alone("--music21", name, str(folder), str(1 if full else case.part))
    seconds = found["seconds"] / found["share"]
    ratio = f"{seconds / median(colds):.0f}"
    return [*shown, f"{seconds:.0f}", f"{found['share']:.0%}", ratio, str(case.target or "")]


def alone(*arguments: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def ours(*overrides: str) -> dict[str, float]:
    from etude.config.build import build
    from etude.config.compose import compose

    data = build(compose("prepare", [*overrides]).data)
    started = time.perf_counter()
    store = data.store
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "pieces": len(store), "tokens": store.num_tokens}


def by_music21(name: str, folder: Path, every: int) -> dict[str, float]:
    from music21 import converter  # noqa: F401

    songs = list(SONGS[name](folder))
    chosen = sorted(songs, key=lambda song: len(song[1]))[every // 2 :: every]
    read = mozart_tokens if name == "Mozart" else melody_tokens
    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch) / f"{number}{suffix}" for number, (suffix, _) in enumerate(chosen)]
        for path, (_, data) in zip(paths, chosen, strict=True):
            path.write_bytes(data)
        started = time.perf_counter()
        for path in paths:
            read(path)
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "share": sum(len(data) for _, data in chosen) / sum(len(d) for _, d in songs)}


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
    "erk, kern": kern_songs,
    "erk, bundled": bundled_tunes,
    "Mozart": mozart_works,
    "Cobb, notes": cobb_tunes,
}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--ours", *overrides]:
            print(json.dumps(ours(*overrides)))
        case ["--music21", name, folder, every]:
            print(json.dumps(by_music21(name, Path(folder), int(every))))
        case [folder, *options]:
            only = options[options.index("--only") + 1] if "--only" in options else ""
            main(Path(folder), full="--full" in options, only=only)
        case _:
            raise SystemExit(__doc__)
