"""The Essen folk song collection in music21's corpus: its files, an erratum, the modes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from etude.corpora.preparation import RawFile
from etude.errors import EtudeError
from etude.formats.base import ReadBytes, ReadResult
from etude.music.key import Key
from etude.music.piece import Piece

COLLECTIONS = (
    "altdeu10", "altdeu20", "ballad10", "ballad20", "ballad30", "ballad40", "ballad50", "ballad60",
    "ballad70", "ballad80", "boehme10", "boehme20", "dva0", "erk10", "erk20", "erk30", "erk5",
    "fink0", "folkHaydn", "han1", "han2", "irl", "kinder0", "lot", "lux", "test0", "test1", "testd",
    "teste", "variant0", "zuccal0",
)  # fmt: skip
ERK_TUNEBOOKS = ("erk5.abc", "erk10.abc", "erk20.abc", "erk30.abc")  # 27 + 663 + 371 + 720 tunes


def collection_files(collections: Sequence[str]) -> list[str]:
    """Return the file names of collections, in name order; EtudeError for one that music21 does not have."""
    unknown = sorted(set(collections) - set(COLLECTIONS))
    if unknown or not collections:
        what = f"there is no {' or '.join(unknown)}" if unknown else "choose at least one"
        raise EtudeError(f"data.collections: {what}; the collections are {', '.join(COLLECTIONS)}")
    return [f"{name}.abc" for name in COLLECTIONS if name in collections]


def mended_books(names: Sequence[str]) -> Iterator[RawFile]:
    """Yield these tunebooks with their errata."""
    for book in bundled_tunebooks(names):
        yield RawFile(book.name, with_errata(book.read_bytes()))


def bundled_tunebooks(names: Sequence[str] = ERK_TUNEBOOKS) -> list[Path]:
    """Return the paths of Essen's tunebooks; EtudeError if music21, or one of the files in it, is missing."""
    folder = music21_corpus("essenFolksong")
    paths = [folder / name for name in names]
    for path in paths:
        if not path.is_file():
            raise EtudeError(f"{path} is missing: pip install --force-reinstall music21")
    return paths


def music21_corpus(name: str) -> Path:
    """Return a folder of music21's corpus, without importing it, which is slow; EtudeError without it."""
    spec = importlib.util.find_spec("music21")
    if spec is None or not spec.submodule_search_locations:
        raise EtudeError("music21, which contains the songs, is missing: pip install music21")
    folder = Path(spec.submodule_search_locations[0]) / "corpus" / name
    if not folder.is_dir():
        raise EtudeError(f"{folder} is missing: pip install --force-reinstall music21")
    return folder


# "Soll sich der Mond nicht heller scheinen" ends `CD | 2z`: the ABC edition lacks a note letter. In the kern
# edition (E0819) the song ends with an F#, a quarter long, and an eighth rest; K: makes F an F#.
_DAMAGED_TUNE = b"\nX:237\nT: SOLL SICH DER MOND NICHT HELLER SCHEINEN\nN: E0819\n"
_LAST_BARS, _CORRECT_LAST_BARS = b"\nC=DE | F2=D2CD | 2z\n", b"\nC=DE | F2=D2CD | F2z\n"


def with_errata(book: bytes) -> bytes:
    """Return a tunebook's text with the note that erk20.abc lacks.

    Line numbers stay. Any other text is returned unchanged.
    """
    before, start, after = book.partition(_DAMAGED_TUNE)
    tune, next_tune, others = after.partition(b"\nX:")
    return before + start + tune.replace(_LAST_BARS, _CORRECT_LAST_BARS, 1) + next_tune + others


def read_essen_bytes(data: bytes, name: str, read: ReadBytes) -> ReadResult:
    """Read a tunebook with ``read`` and infer the modes: K: states only the tonic."""
    reading = read(data, name)
    pieces = [replace(piece, key=infer_mode(piece)) for piece in reading.pieces]
    return ReadResult(pieces, reading.rejected)


def infer_mode(piece: Piece) -> Key:
    """Return the key of a piece with the mode inferred from its third degree.

    The Essen ABC states the tonic only, as if every song were in major; a song in minor has an accidental at
    each third (``K: A`` with ``=c``). The key is minor if the minor thirds above the tonic, in all octaves,
    last longer in total than the major thirds; otherwise major. EtudeError if the piece has no key.
    """
    if piece.key is None:
        raise EtudeError(f"{piece!r} has no key, so its mode cannot be inferred")
    degree = (piece.pitch - piece.key.pitch_class) % 12
    minor_third, major_third = (int(piece.duration[degree == third].sum()) for third in (3, 4))
    return Key(piece.key.tonic, "minor" if minor_third > major_third else "major")
