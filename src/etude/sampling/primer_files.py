"""Primers from a user's own file: MIDI, kern, ABC or MusicXML, in any key."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from etude.encodings import CharactersEncoding, GridEncoding, NoteDurationEncoding, PitchSetEncoding
from etude.encodings.fitting import fitted
from etude.errors import EncodeError, EtudeError
from etude.formats.abc.writer import abc_text
from etude.formats.any_file import read_piece
from etude.formats.base import file_bytes
from etude.music import Key
from etude.music.grid import is_melody
from etude.music.transposition import to_c_major_or_a_minor
from etude.sampling.context import TrainingContext


class FileMusic(NamedTuple):
    """The tokens of a file; ``moved``: semitones that it was transposed by; ``key``: its own key."""

    tokens: list[str]
    moved: int = 0
    key: Key | None = None


def file_music(path: Path, context: TrainingContext, quantise: str = "none") -> FileMusic:
    """Return the tokens of the music in a file, in the key of the corpus and on the grid of its encoding.

    Music that states no key is not transposed. EtudeError if the file cannot be read or encoded.
    """
    encoding = context.encoding
    if isinstance(encoding, CharactersEncoding):
        return FileMusic(list(_abc_of(path, encoding)))
    if isinstance(encoding, PitchSetEncoding) and path.suffix.lower() in (".mid", ".midi"):
        return FileMusic(_source_tokens(path, encoding))
    piece = read_piece(path)
    moved = to_c_major_or_a_minor(piece) if context.transposes and piece.key is not None else piece
    shift = int(moved.pitch[0] - piece.pitch[0]) if len(piece) else 0
    try:
        return FileMusic(encoding.encode(fitted(moved, encoding, quantise).piece), shift, piece.key)
    except EncodeError as error:
        melodies = (GridEncoding, NoteDurationEncoding)
        if isinstance(encoding, melodies) and not is_melody(piece, encoding.step):
            raise EtudeError(
                f"{path} has several notes at the same time, and this model writes one at a time; "
                "type sampling.primer_file=… with a file of a single melody"
            ) from None
        raise EtudeError(f"{path} cannot be written in {encoding.name} tokens: {error}") from None


def _source_tokens(path: Path, encoding: CharactersEncoding | PitchSetEncoding) -> list[str]:
    """Return the tokens of the first tune of a file that the encoding reads itself."""
    try:
        return next(iter(encoding.encode_source(file_bytes(path.expanduser()), path.name))).tokens
    except EncodeError as error:
        raise EtudeError(f"{path}: {error}") from None


def _abc_of(path: Path, encoding: CharactersEncoding) -> str:
    """Return the music of a file as the first tune of a tunebook, from its X:, without comments and tempo."""
    is_abc = path.suffix.lower() == ".abc"
    text = "".join(_source_tokens(path, encoding)) if is_abc else abc_text(read_piece(path))
    tune = text[f"\n{text}".index("\nX:") :]
    return "\n".join(line for line in tune.split("\n") if not line.startswith(("%", "Q:")))
