"""The Essen folk song collection as music21 bundles it: where it is, and what it leaves out."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from etude.errors import EtudeError
from etude.formats.base import ReadBytes, ReadResult
from etude.music.key import Key
from etude.music.piece import Piece

ERK_TUNEBOOKS = ("erk5.abc", "erk10.abc", "erk20.abc", "erk30.abc")  # 27 + 663 + 371 + 720 tunes


def bundled_tunebooks(names: Sequence[str] = ERK_TUNEBOOKS) -> list[Path]:
    """Return the paths of ABC tunebooks in music21's corpus, without the slow import of music21.

    EtudeError if music21, or one of the files in it, is missing.
    """
    spec = importlib.util.find_spec("music21")
    if spec is None or not spec.submodule_search_locations:
        raise EtudeError("music21, whose corpus holds the Essen songs, is missing: pip install music21")
    folder = Path(spec.submodule_search_locations[0]) / "corpus" / "essenFolksong"
    paths = [folder / name for name in names]
    for path in paths:
        if not path.is_file():
            raise EtudeError(f"{path} is missing: pip install --force-reinstall music21")
    return paths


# "Soll sich der Mond nicht heller scheinen" ends `CD | 2z`: a note letter was lost on the way to ABC. The
# same song in the kern edition (E0819) ends with an F#, a quarter long, and an eighth rest; K: makes F an F#.
_DAMAGED_TUNE = b"\nX:237\nT: SOLL SICH DER MOND NICHT HELLER SCHEINEN\nN: E0819\n"
_LAST_BARS, _LAST_BARS_AS_SUNG = b"\nC=DE | F2=D2CD | 2z\n", b"\nC=DE | F2=D2CD | F2z\n"


def with_errata(book: bytes) -> bytes:
    """Return a tunebook's text with the one note put back that is missing in erk20.abc.

    Lines stay where they are. Anything but exactly the damaged text is returned as it came.
    """
    before, start, after = book.partition(_DAMAGED_TUNE)
    tune, next_tune, others = after.partition(b"\nX:")
    return before + start + tune.replace(_LAST_BARS, _LAST_BARS_AS_SUNG, 1) + next_tune + others


def read_essen_bytes(data: bytes, name: str, read: ReadBytes) -> ReadResult:
    """Read a tunebook with ``read``; K: states the tonic alone, so the mode is inferred from the third."""
    reading = read(data, name)
    pieces = [replace(piece, key=infer_mode(piece)) for piece in reading.pieces]
    return ReadResult(pieces, reading.rejected)


def infer_mode(piece: Piece) -> Key:
    """Return the key with the mode that the third degree shows, on the tonic that the piece states.

    The Essen ABC writes the tonic only, as if every song were in major; a song in minor has an accidental
    at each third (``K: A`` with ``=c``). The rule: if the minor third above the tonic sounds longer in
    all than the major third, in any octave, the key is minor; otherwise it is major, as stated.
    EtudeError if the piece states no key.
    """
    if piece.key is None:
        raise EtudeError(f"{piece!r} states no tonic to judge its mode by")
    degree = (piece.pitch - piece.key.pitch_class) % 12
    minor_third, major_third = (int(piece.duration[degree == third].sum()) for third in (3, 4))
    return Key(piece.key.tonic, "minor" if minor_third > major_third else "major")
