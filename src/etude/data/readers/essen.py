"""The Essen folk song collection as music21 bundles it: where it is, and the mode its keys do not state."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from etude.errors import EtudeError
from etude.scores.key import Key
from etude.scores.piece import Piece

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
