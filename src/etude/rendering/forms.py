"""Forms: the file formats that a piece can be written in, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from etude.config.problems import did_you_mean
from etude.errors import EtudeError

if TYPE_CHECKING:
    from etude.music.piece import Piece


@dataclass(frozen=True)
class Form:
    """A file format: its suffix and the function that writes it, imported at first use."""

    suffix: str
    module: str
    function: str

    def writer(self) -> Callable[..., None]:
        """Return ``write(piece, path)``."""
        write: Callable[..., None] = getattr(import_module(f"etude.{self.module}"), self.function)
        return write


FORMS: dict[str, Form] = {
    "midi": Form(".mid", "formats.midi.writer", "write_midi"),
    "musicxml": Form(".musicxml", "formats.musicxml.writer", "write_musicxml"),
    "abc": Form(".abc", "formats.abc.writer", "write_abc"),
    "wav": Form(".wav", "rendering.audio", "write_wav"),
    "ogg": Form(".ogg", "rendering.audio", "write_ogg"),
    "flac": Form(".flac", "rendering.audio", "write_flac"),
    "mp3": Form(".mp3", "rendering.audio", "write_mp3"),
    "score": Form(".svg", "rendering.engraving", "write_score"),
    "score_png": Form(".score.png", "rendering.engraving", "write_score_png"),
    "score_pdf": Form(".pdf", "rendering.score_pdf", "write_score_pdf"),
    "roll": Form(".png", "rendering.piano_roll", "write_roll"),
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
    from etude.music.limits import check_size  # numpy, which help and errors do not wait for

    check_size(piece)
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name in forms:
        form = FORMS[name]
        path = stem.with_name(stem.name + form.suffix)
        if name == "roll":
            form.writer()(piece, path, primer_quarters=primer_quarters)
        else:
            form.writer()(piece, path)
        paths.append(path)
    return paths
