"""Music of a prepared corpus: pieces from their tokens, with metre and title from the files."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Set

import numpy as np

from etude.corpora.preparation import RawFile
from etude.corpora.prepared import PreparedCorpus
from etude.encodings import PerformanceEncoding
from etude.encodings.performance import ON
from etude.evaluation.copying import GRID, Ids, note_steps, piece_steps
from etude.evaluation.held_out import HeldOutSet
from etude.evaluation.token_times import has_note_values, label_quarters
from etude.formats.abc.reader import only_tunes
from etude.music import Piece


class MusicFiles:
    """The files of a corpus: each is read only if a piece of it is wanted, of a tunebook the wanted tunes."""

    def __init__(self, data: PreparedCorpus) -> None:
        self._data = data
        self._corpus = data.corpus()
        self._known: dict[str, Piece] = {}  # by name
        self._read: set[str] = set()  # files that were read whole

    def pieces(self, indices: Iterable[int]) -> dict[int, Piece]:
        """Return these pieces of the store; those that files do not name are not in the result."""
        names = {self._data.store.names[index]: index for index in indices}
        wanted: dict[str, set[str]] = {}
        for name in names.keys() - self._known.keys():
            wanted.setdefault(name.partition(" X:")[0], set()).add(name)
        for file in self._corpus.files() if wanted.keys() - self._read else ():
            if file.name in wanted.keys() - self._read:
                self._read_file(file, wanted[file.name])
        found = {name: self._known[name] for name in names if name in self._known}
        return {names[name]: self._corpus.treat(piece) for name, piece in found.items()}

    def _read_file(self, file: RawFile, names: Set[str]) -> None:
        """Read the tunes of these names, or the whole file where not all of them are names of tunes."""
        tunes = {name.partition(" X:")[2] for name in names}
        data = only_tunes(file.data, tunes) if all(tunes) else file.data
        self._known |= {piece.name: piece for piece in self._corpus.read(data, file.name).pieces}
        if not all(tunes):
            self._read.add(file.name)


def stored_pieces(
    held_out: HeldOutSet, indices: Iterable[int], music: MusicFiles | None = None
) -> dict[int, Piece]:
    """Return the music of these pieces as their tokens have it, like that of a sample.

    Metre, pickup, key and title, which tokens in note values lack, are those of the files in ``music``.
    """
    encoding, places = held_out.data.encoding, list(indices)
    files = music.pieces(places) if music is not None and has_note_values(encoding) else {}
    found = {}
    for index in places:
        piece = encoding.decode(held_out.piece(index)).piece
        found[index] = _with_metre(piece, files[index]) if index in files else piece
    return found


def _with_metre(piece: Piece, source: Piece) -> Piece:
    """Return the piece in the metre of its file; ticks are rounded to the division of the piece."""
    division = math.lcm(piece.division, source.division)
    timed = source.finer(division // source.division)
    return dataclasses.replace(
        piece.finer(division // piece.division),
        metres=timed.metres,
        pickup=timed.pickup,
        key=source.key,
        title=source.title,
        name=source.name,
    )


def stored_steps(held_out: HeldOutSet, indices: Iterable[int], *, rhythm: bool) -> list[Ids]:
    """Return the symbols of the copy check for these pieces, as `copying.note_steps` gives them.

    Where a token begins one note they are computed from the ids, a hundred times faster than by decoding.
    """
    encoding = held_out.data.encoding
    if not (has_note_values(encoding) or isinstance(encoding, PerformanceEncoding)):
        pieces = (encoding.decode(held_out.piece(index)).piece for index in indices)
        return [piece_steps(piece, rhythm=rhythm) for piece in pieces]
    tokens = held_out.store.vocabulary.tokens
    pitches = np.array([-1, *(_pitch(token) for token in tokens[1:])])
    lengths = np.rint(label_quarters(held_out) * GRID).astype(np.int64)
    found = []
    for index in indices:
        ids = held_out.store.piece(index)
        onset, pitch = np.cumsum(lengths[ids]) - lengths[ids], pitches[ids]
        begins = pitch >= 0
        found.append(note_steps(onset[begins], pitch[begins], rhythm=rhythm))
    return found


def _pitch(token: str) -> int:
    """Return the pitch of the note that a token begins, −1 if it begins none."""
    number = token.removeprefix(f"{ON}_").partition("/")[0]
    return int(number) if number.isdigit() else -1
