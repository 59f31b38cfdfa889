"""Primers: what a piece begins with before the network goes on, from whichever place the user names."""

from __future__ import annotations

import difflib
import os
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from etude.config.build import build_as
from etude.corpora.data_module import CorpusDataModule
from etude.corpora.sources import Source
from etude.encodings import CharactersEncoding, Encoding, PitchSetEncoding, all_encodings
from etude.encodings.grid import REST
from etude.encodings.vocabulary import TERMINATOR, Vocabulary
from etude.errors import EncodeError, EtudeError
from etude.formats.abc.writer import abc_text
from etude.formats.any_file import read_piece
from etude.formats.base import file_bytes
from etude.music import Key
from etude.music.transposition import to_c_major_or_a_minor
from etude.sampling.sampler import mixed

# fields, chord names, decorations and graces, whose letters are no notes; a note with its octave and length
_ABC = re.compile(
    r"""^[A-Za-z]:(?![|:]).*$|\[[A-Za-z]:[^\]\n]*\]|"[^"\n]*"|![^!\n|]*!|\{[^}\n]*\}"""
    r"""|(?P<note>[A-Ga-g][,']*[0-9]*/*[0-9]*)""",
    re.MULTILINE,
)
SOURCES = ("primer", "primer_piece", "primer_file", "primer_window")


@dataclass(frozen=True)
class Primer:
    """Ids to begin with, one row for all pieces or one for each, of pieces numbered from ``first``.

    ``within``: they are from the middle of a piece, so no terminator stands before them. ``moved`` is by how
    many semitones a user's music was transposed, to be undone; ``key`` is its own, the one before.
    """

    rows: list[list[int]]
    first: int = 0
    within: bool = False
    moved: int = 0
    key: Key | None = None

    def row(self, number: int) -> list[int]:
        """Return the ids of piece ``number``."""
        return self.rows[(number - self.first) % len(self.rows)]


def find_primer(
    settings: Mapping[str, Any],
    encoding: Encoding,
    vocabulary: Vocabulary,
    config: Mapping[str, Any],
    numbers: Sequence[int] = (0,),
) -> Primer:
    """Return the primer that the settings name, for pieces of these numbers; EtudeError for two at once.

    ``config`` is the resolved training config: it names the corpus. EtudeError for unknown tokens, with the
    nearest known ones, and for a primer that leaves nothing to draw.
    """
    given = [f"sampling.{name}={settings[name]}" for name in SOURCES if settings[name] not in ("", None)]
    if len(given) > 1:
        raise EtudeError(f"{' and '.join(given)}: a piece can begin with one of them only")
    primer = _found(settings, encoding, vocabulary, config, numbers)
    longest = max(map(len, primer.rows))
    if longest >= settings["max_tokens"]:
        raise EtudeError(
            f"the primer has {longest} tokens, so nothing can be added to it with "
            f"sampling.max_tokens={settings['max_tokens']}"
        )
    return primer


def _found(
    settings: Mapping[str, Any],
    encoding: Encoding,
    vocabulary: Vocabulary,
    config: Mapping[str, Any],
    numbers: Sequence[int],
) -> Primer:
    notes = settings["primer_notes"]
    if settings["primer_window"] is not None:
        return _windows(corpus_of(config), vocabulary, settings, numbers)
    if settings["primer_piece"] is not None:
        store = corpus_of(config).store
        tokens = store.vocabulary.look_up(store.piece(_named(store.names, settings["primer_piece"])).tolist())
        return Primer([vocabulary.ids(beginning(encoding, tokens, notes)).tolist()])
    if settings["primer_file"] is not None:
        tokens, moved, key = _file_tokens(Path(settings["primer_file"]), encoding, config)
        return Primer([vocabulary.ids(beginning(encoding, tokens, notes)).tolist()], moved=moved, key=key)
    tokens = encoding.split(settings["primer"])
    ids = vocabulary.ids(tokens).tolist()
    if TERMINATOR in tokens:
        raise EtudeError(f"sampling.primer: {TERMINATOR} ends a piece, so nothing can follow it")
    return Primer([ids])


def beginning(encoding: Encoding, tokens: Sequence[str], notes: int) -> list[str]:
    """Return the tokens of the first ``notes`` notes, up to where the next note or rest begins.

    Of ABC text, the header and so many letters of notes, with what belongs to the last of them.
    """
    if isinstance(encoding, CharactersEncoding):
        return list(_abc_beginning("".join(tokens), notes))
    count = 0
    for place, token in enumerate(tokens):
        if encoding.is_onset(token):
            if count == notes:
                return list(tokens[:place])
            count += token.partition("/")[0] != REST
    return list(tokens)


def _abc_beginning(text: str, notes: int) -> str:
    header = re.search(r"^K:.*\n", text, re.MULTILINE)
    found = [] if header is None else list(_ABC.finditer(text, header.end()))
    ends = [match.end() for match in found if match["note"]]
    return text[: ends[notes - 1]] if len(ends) >= notes else text


def corpus_of(config: Mapping[str, Any]) -> CorpusDataModule:
    """Build the data module of a resolved training config, which a stranger's checkpoint may have brought.

    Only a corpus, an encoding and a source are built. Data lands where it does on this machine.
    """
    data = dict(config["data"])
    parts: dict[str, Any] = {"encoding": build_as(all_encodings(), data.pop("encoding"))}
    if "published" in data:
        parts["published"] = build_as(Source, data.pop("published"))
        data["mirror"] = os.environ.get("ETUDE_DATA_MIRROR") or data["mirror"]
    data["data_dir"] = os.environ.get("ETUDE_DATA_DIR", "data")
    try:
        corpus: CorpusDataModule = build_as(CorpusDataModule, data, seed=config["seed"], **parts)
    except TypeError as error:
        raise EtudeError(
            f"the corpus of this checkpoint was configured by another version of Étude ({error}), so no "
            "primer can be taken from it; sampling.primer and sampling.primer_file need no corpus"
        ) from None
    return corpus


def _named(names: Sequence[str], wanted: str) -> int:
    if wanted in names:
        return names.index(wanted)
    found = [index for index, name in enumerate(names) if wanted in name]
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(names[index] for index in found[:5])
        raise EtudeError(
            f"sampling.primer_piece={wanted} is part of {len(found)} names: {some}; give one whole"
        )
    near = ", ".join(difflib.get_close_matches(wanted, names, n=3, cutoff=0.0))
    raise EtudeError(
        f"sampling.primer_piece={wanted}: the corpus has no such piece; the nearest names are {near}"
    )


def _file_tokens(
    path: Path, encoding: Encoding, config: Mapping[str, Any]
) -> tuple[list[str], int, Key | None]:
    """Return the tokens of the music in a file, how far it was moved to the corpus' key, and its own key.

    Music that states no key is taken as it stands.
    """
    if isinstance(encoding, CharactersEncoding):
        return list(_abc_of(path, encoding)), 0, None
    if isinstance(encoding, PitchSetEncoding) and path.suffix.lower() in (".mid", ".midi"):
        return _tokens_in(path, encoding), 0, None
    piece = read_piece(path)
    is_moved = bool(config["data"].get("transpose")) and piece.key is not None
    moved = to_c_major_or_a_minor(piece) if is_moved else piece
    shift = int(moved.pitch[0] - piece.pitch[0]) if len(piece) else 0
    try:
        return encoding.encode(moved), shift, piece.key
    except EncodeError as error:
        raise EtudeError(f"{path}: {error}, which {encoding.name} tokens cannot say") from None


def _tokens_in(path: Path, encoding: CharactersEncoding | PitchSetEncoding) -> list[str]:
    """Return the tokens that an encoding takes from a file itself, of its first tune."""
    try:
        return next(iter(encoding.encode_source(file_bytes(path.expanduser()), path.name))).tokens
    except EncodeError as error:
        raise EtudeError(f"{path}: {error}") from None


def _abc_of(path: Path, encoding: CharactersEncoding) -> str:
    """Return the music in a file as the first tune of a tunebook, from its X:, without comments and tempo."""
    is_abc = path.suffix.lower() == ".abc"
    text = "".join(_tokens_in(path, encoding)) if is_abc else abc_text(read_piece(path))
    tune = text[f"\n{text}".index("\nX:") :]
    return "\n".join(line for line in tune.split("\n") if not line.startswith(("%", "Q:")))


def _windows(
    data: CorpusDataModule, vocabulary: Vocabulary, settings: Mapping[str, Any], numbers: Sequence[int]
) -> Primer:
    """Return a random window of ``data.sequence_len`` tokens for each piece, all places alike likely.

    EtudeError if the corpus has since got tokens that ``vocabulary``, the network's, lacks.
    """
    store, length, which, seed = data.store, data.sequence_len, settings["primer_window"], settings["seed"]
    pieces = getattr(data.split, which).pieces
    places = np.maximum(store.offsets[pieces + 1] - store.offsets[pieces] - 1 - length + 1, 0)
    if not places.sum():
        raise EtudeError(
            f"sampling.primer_window={which}: no piece of that set has data.sequence_len={length} tokens"
        )
    ends = places.cumsum()
    rows = []
    for number in numbers:
        place = random.Random(mixed(seed, number)).randrange(int(ends[-1]))
        entry = int(np.searchsorted(ends, place, side="right"))
        first = place - int(ends[entry] - places[entry])
        ids = store.piece(int(pieces[entry]))[first : first + length].tolist()
        rows.append(vocabulary.ids(store.vocabulary.look_up(ids)).tolist())
    return Primer(rows, first=numbers[0], within=True)
