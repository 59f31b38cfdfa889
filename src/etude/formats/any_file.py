"""Readers by file name ending."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from etude.errors import EtudeError
from etude.formats.abc.reader import read_abc_bytes
from etude.formats.base import ReadBytes, read_path
from etude.formats.kern.reader import read_kern_bytes
from etude.formats.midi.reader import read_midi_bytes
from etude.formats.music21_reader import read_tunebook_with_music21_bytes, read_with_music21_bytes
from etude.formats.musicxml.reader import read_musicxml_bytes
from etude.music.piece import Piece

# For each format: the endings of its file names, our reader, the reader that asks music21.
READERS: dict[str, tuple[tuple[str, ...], ReadBytes, ReadBytes]] = {
    "kern": ((".krn", ".kern"), read_kern_bytes, read_with_music21_bytes),
    "abc": ((".abc",), read_abc_bytes, read_tunebook_with_music21_bytes),
    "midi": ((".mid", ".midi"), partial(read_midi_bytes, pedal=True), read_with_music21_bytes),
    "musicxml": ((".musicxml", ".mxl", ".xml"), read_musicxml_bytes, read_with_music21_bytes),
}


def read_piece(path: Path | str) -> Piece:
    """Read a file as a Piece; of a tunebook, the first tune that can be read.

    EtudeError, which names the file, for an unknown ending and for a file without readable music; of several
    reasons, the first.
    """
    path = Path(path).expanduser()
    reader = next((row[1] for row in READERS.values() if path.name.lower().endswith(row[0])), None)
    if reader is None:
        endings = ", ".join(ending for row in READERS.values() for ending in row[0])
        raise EtudeError(f"{path}: the format is not known by this ending; the known endings are {endings}")
    reading = read_path(path, reader)
    if reading.pieces:
        return reading.pieces[0]
    raise reading.rejected[0] if reading.rejected else EtudeError(f"{path}: there is no music in it")
