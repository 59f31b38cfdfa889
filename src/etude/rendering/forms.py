"""Forms: the file formats that a piece can be written in, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etude.config.problems import did_you_mean
from etude.errors import EtudeError
from etude.files import atomic_write

if TYPE_CHECKING:
    from etude.music.piece import Piece


@dataclass(frozen=True)
class Form:
    """A file format: its suffix and the function that makes its content, imported at first use."""

    suffix: str
    module: str
    function: str
    arguments: tuple[str, ...] = ()  # after the piece

    def content(self, piece: Piece, **marks: Any) -> bytes:
        """Return the content of the file."""
        made: bytes | str = getattr(import_module(f"etude.{self.module}"), self.function)(
            piece, *self.arguments, **marks
        )
        return made.encode() if isinstance(made, str) else made


FORMS: dict[str, Form] = {
    "midi": Form(".mid", "formats.midi.writer", "midi_bytes"),
    "musicxml": Form(".musicxml", "formats.musicxml.writer", "musicxml_bytes"),
    "abc": Form(".abc", "formats.abc.writer", "abc_text"),
    "wav": Form(".wav", "rendering.audio", "wav_bytes"),
    "ogg": Form(".ogg", "rendering.audio", "sound_bytes", ("OGG", "VORBIS")),
    "flac": Form(".flac", "rendering.audio", "sound_bytes", ("FLAC", "PCM_16")),
    "mp3": Form(".mp3", "rendering.audio", "sound_bytes", ("MP3", "MPEG_LAYER_III")),
    "score": Form(".svg", "rendering.engraving", "score_svg"),
    "score_png": Form(".score.png", "rendering.engraving", "score_png"),
    "score_pdf": Form(".pdf", "rendering.engraving", "score_pdf"),
    "roll": Form(".png", "rendering.piano_roll", "roll_png"),
}


def check_forms(forms: Sequence[str]) -> None:
    """Raise EtudeError for a name that is not one of FORMS; it lists them and the nearest."""
    unknown = [form for form in forms if form not in FORMS]
    if not unknown:
        return
    hint = did_you_mean(unknown[0].lower(), FORMS)
    raise EtudeError(f"there is no form {unknown[0]!r}; the forms are {', '.join(FORMS)}{hint}")


def write_forms(
    piece: Piece,
    stem: Path,
    forms: Sequence[str],
    *,
    primer_quarters: Fraction | float | None = None,
) -> list[Path]:
    """Write the piece in each of ``forms`` as ``stem`` plus the form's suffix; return the paths, in order.

    The folder is created if needed. ``primer_quarters`` is marked in the piano roll. EtudeError for an
    unknown form, before anything is written.
    """
    check_forms(forms)
    from etude.music.piece_limits import check_size  # numpy, which help and errors do not wait for

    check_size(piece)
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name in forms:
        form = FORMS[name]
        path = stem.with_name(stem.name + form.suffix)
        marks = {"primer_quarters": primer_quarters} if name == "roll" else {}
        atomic_write(path, form.content(piece, **marks))
        paths.append(path)
    return paths
