"""Output: the files of samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from etude.encodings import CharactersEncoding, Encoding
from etude.files import atomic_write
from etude.formats.abc.reader import first_readable_tune, parse_abc, state_accidentals, state_tempo
from etude.music import Piece
from etude.rendering.forms import write_forms
from etude.sampling.samples import Sample


def write_samples(
    samples: Sequence[Sample], encoding: Encoding, folder: Path, forms: Sequence[str]
) -> list[Path]:
    """Write each piece in each form, and its tokens beside it; return the files.

    ABC text is written unchanged as ``.raw.abc``. The tune that the other files play is written as ``.abc``,
    with the reach of its accidentals stated where programs would differ over it.
    """
    is_abc = isinstance(encoding, CharactersEncoding)
    written = [form for form in forms if not (is_abc and form == "abc")]
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for one in samples:
        stem = folder / f"sample-{one.number}"
        tokens = stem.with_suffix(".tokens.txt")
        atomic_write(tokens, (encoding.join(one.tokens) + "\n").encode())
        files += write_forms(one.piece, stem, written, primer_quarters=one.primer_quarters or None)
        files += _write_abc_text(encoding.join(one.tokens), stem, one.piece) if is_abc else []
        files.append(tokens)
    return files


def _write_abc_text(text: str, stem: Path, piece: Piece) -> list[Path]:
    """Write ABC text as generated, and its first readable tune with the rule and tempo it is played by."""
    tune = first_readable_tune(text)
    if tune and piece.tempo and (own := parse_abc(tune).pieces[0]).tempos and own.tempo != piece.tempo:
        tune = state_tempo(tune, piece.tempo)
    texts = {".raw.abc": text, ".abc": tune and state_accidentals(tune)}
    written = {stem.with_name(stem.name + suffix): abc for suffix, abc in texts.items() if abc is not None}
    for path, abc in written.items():
        atomic_write(path, abc.encode())
    return list(written)
