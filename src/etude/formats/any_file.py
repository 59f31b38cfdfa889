"""Readers by file name ending."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from etude.errors import EtudeError
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.base import ReadBytes, ReadResult, file_bytes
from etude.formats.kern.reader import read_kern_bytes
from etude.formats.midi.reader import read_midi_bytes
from etude.formats.music21_reader import read_tunebook_with_music21_bytes, read_with_music21_bytes
from etude.formats.musicxml.reader import read_musicxml_bytes
from etude.music.piece import Piece

# For each format: the endings of its file names, our reader, the reader that asks music21.
READERS: dict[str, tuple[tuple[str, ...], Callable[..., ReadResult], Callable[..., ReadResult]]] = {
    "kern": ((".krn", ".kern"), read_kern_bytes, read_with_music21_bytes),
    "abc": ((".abc",), read_abc_bytes, read_tunebook_with_music21_bytes),
    "midi": ((".mid", ".midi"), partial(read_midi_bytes, pedal=True), read_with_music21_bytes),
    "musicxml": ((".musicxml", ".mxl", ".xml"), read_musicxml_bytes, read_with_music21_bytes),
}


def reader_of(form: str, *, by_music21: bool = False, expand_repeats: bool | None = None) -> ReadBytes:
    """Return the reader of a format, ours or music21's; ``expand_repeats`` as in ``read_piece``.

    MIDI has no repeats.
    """
    _, fast, slow = READERS[form]
    read = slow if by_music21 else fast
    return read if form == "midi" or expand_repeats is None else partial(read, expand_repeats=expand_repeats)


def read_piece(path: Path | str, *, expand_repeats: bool | None = None) -> Piece:
    """Read a file as a Piece; of a tunebook, the first tune that can be read.

    ``expand_repeats``: in the order of playing, with repeats, endings, D.C. and D.S.; or, if False, as
    written. None: ABC as played, other formats as written.

    EtudeError, which names the file, for an unknown ending and for a file without readable music; of several
    reasons, the first.
    """
    path = Path(path).expanduser()
    form = next((form for form, row in READERS.items() if path.name.lower().endswith(row[0])), None)
    if form is None:
        endings = ", ".join(ending for row in READERS.values() for ending in row[0])
        raise EtudeError(f"{path}: the format is not known by this ending; the known endings are {endings}")
    reading = reader_of(form, expand_repeats=expand_repeats)(file_bytes(path), str(path))
    if reading.pieces:
        return reading.pieces[0]
    raise reading.rejected[0] if reading.rejected else EtudeError(f"{path}: there is no music in it")
