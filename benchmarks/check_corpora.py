"""Read the corpora in music21's package: pieces, read, used, seconds, notes compared with music21's reader.

    python benchmarks/check_corpora.py [N]

Ours reads all; music21, which takes an hour, every Nth piece. Both read the music as written, without repeats
and P:. music21 is told the standard's rule for ABC accidentals. "used": the pieces that the encoding takes,
melodies on a grid of 1/48, and for other music notes of several parts.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import music21
from machine import heading, print_table

from etude.encodings import Encoding, GridEncoding, PerformanceEncoding
from etude.encodings.fitting import fitted
from etude.errors import EncodeError
from etude.formats.abc.reader import parse_abc
from etude.formats.base import ReadResult, decode_text
from etude.formats.music21_reader import read_with_music21_bytes
from etude.formats.musicxml.reader import read_musicxml_bytes
from etude.music import Piece

ROOT = Path(music21.__file__).parent / "corpus"
RULE = b"%abc-2.1\n"  # without it music21 applies an accidental to its own note only
MELODY, ANY = GridEncoding(step="1/48"), PerformanceEncoding()


class Source(NamedTuple):
    """A corpus: its files, how they are divided into pieces and read, and the encoding."""

    files: str
    divide: Callable[[bytes], list[bytes]]
    ours: Callable[[bytes], ReadResult]
    before: bytes
    ending: str
    encoding: Encoding


def tunes(data: bytes) -> list[bytes]:
    text = decode_text(data, "book.abc")
    return [tune.encode() for tune in re.split(r"(?=^X:)", text, flags=re.MULTILINE)[1:]]


def read_tune(data: bytes) -> ReadResult:
    return parse_abc(data.decode(), expand_repeats=False)


def read_score(data: bytes) -> ReadResult:
    return read_musicxml_bytes(data, "a.mxl")


def abc(files: str) -> Source:
    return Source(files, tunes, read_tune, RULE, ".abc", MELODY)


SOURCES = {
    "Aird": abc("airdsAirs/*.abc"),
    "O'Neill": abc("oneills1850/*.abc"),
    "Ryan": abc("ryansMammoth/*.abc"),
    "Nottingham": abc("nottingham-dataset/*.abc"),
    "Essen": abc("essenFolksong/*.abc"),
    "Bach chorales, MusicXML": Source("bach/*.mxl", lambda data: [data], read_score, b"", ".mxl", ANY),
    "Monteverdi, MusicXML": Source("monteverdi/*.mxl", lambda data: [data], read_score, b"", ".mxl", ANY),
}
HEAD = ("corpus", "pieces", "read", "used", "s", "by both", "same notes", "other notes", "music21 refuses")


def main(every: int) -> None:
    print(heading(f"Corpora in music21's package, every {every}th piece compared"), flush=True)
    print_table([HEAD, *(row(name, source, every) for name, source in SOURCES.items())])


def row(name: str, source: Source, every: int) -> tuple[str, ...]:
    pieces = [piece for path in sorted(ROOT.glob(source.files)) for piece in source.divide(path.read_bytes())]
    start = time.perf_counter()
    readings = [source.ours(data) for data in pieces]
    seconds = time.perf_counter() - start
    read = [piece for reading in readings for piece in reading.pieces]
    counts = Counter(
        compared(source, pieces[index], readings[index]) for index in range(0, len(pieces), every)
    )
    both = counts["same"] + counts["other"]
    return (
        name,
        *(str(count) for count in (len(pieces), len(read), sum(used(read, source.encoding)))),
        f"{seconds:.1f}",
        *(str(count) for count in (both, counts["same"], counts["other"], counts["music21 refuses"])),
    )


def used(pieces: list[Piece], encoding: Encoding) -> Iterator[bool]:
    for piece in pieces:
        try:
            encoding.encode(fitted(piece, encoding).piece)
            yield True
        except EncodeError:
            yield False


def compared(source: Source, data: bytes, ours: ReadResult) -> str:
    if not ours.pieces:
        return "we refuse"
    theirs = read_with_music21_bytes(source.before + data, f"a{source.ending}")
    if not theirs.pieces:
        return "music21 refuses"
    one, other = (sorted(note[:3] for note in reading.pieces[0].notes) for reading in (ours, theirs))
    return "same" if one == other else "other"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
