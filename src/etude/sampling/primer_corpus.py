"""Primers from the corpus that a network was trained on: a named piece, or random windows."""

from __future__ import annotations

import difflib
import random
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

from etude.errors import EtudeError
from etude.sampling.context import TrainingContext
from etude.sampling.sampler import sequence_seed


def piece_tokens(context: TrainingContext, name: str) -> list[str]:
    """Return the tokens of the piece with this name or title, or the only one that has it as a part.

    Case and accents do not count. EtudeError if there is no such piece, or more than one.
    """
    store = context.corpus.store
    found = _matches(name, dict(enumerate(store.names)))
    titles: dict[int, str] = {}
    if not found:  # titles are in the files, and reading those takes a while
        titles = _titles(context)
        found = _matches(name, titles)
    if not found:
        known = [*store.names, *titles.values()]
        near = ", ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.0))
        raise EtudeError(
            f"sampling.primer_piece={name}: the corpus has no such piece; the nearest names are {near}"
        )
    if len(found) > 1:
        some = ", ".join(
            f"{store.names[index]} ({titles[index]})" if titles else store.names[index] for index in found[:5]
        )
        what = "titles" if titles else "names"
        raise EtudeError(
            f"sampling.primer_piece={name} is part of {len(found)} {what}: {some}; give one whole"
        )
    return store.vocabulary.look_up(store.piece(found[0]).tolist())


def _matches(wanted: str, texts: Mapping[int, str]) -> list[int]:
    """Return the pieces whose text equals ``wanted``, or else those whose text contains it."""
    plain = {index: _plain(text) for index, text in texts.items()}
    whole = [index for index, text in texts.items() if text == wanted]
    whole = whole or [index for index, text in plain.items() if text == _plain(wanted)]
    return whole or [index for index, text in plain.items() if _plain(wanted) in text]


def _plain(text: str) -> str:
    """Return text without case and accents."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _titles(context: TrainingContext) -> dict[int, str]:
    """Return the titles of the pieces of the corpus that have one, by their place in the store."""
    places = {name: place for place, name in enumerate(context.corpus.store.names)}
    corpus = context.corpus.corpus()
    read = (piece for file in corpus.files() for piece in corpus.read(file.data, file.name).pieces)
    return {places[piece.name]: piece.title for piece in read if piece.title and piece.name in places}


def random_windows(
    context: TrainingContext, subset: str, seed: int, numbers: Sequence[int]
) -> list[list[int]]:
    """Return for each number a random window of ``sequence_len`` tokens from ``subset``, all equally likely.

    ``subset`` is "train", "val" or "test". EtudeError if none of its pieces is long enough, or if the corpus
    has since got tokens that the network does not know.
    """
    store, length = context.corpus.store, context.sequence_len
    pieces = getattr(context.corpus.split, subset).pieces
    windows = np.maximum(store.offsets[pieces + 1] - store.offsets[pieces] - 1 - length + 1, 0)  # by piece
    if not windows.sum():
        raise EtudeError(
            f"sampling.primer_window={subset}: no piece of that set has data.sequence_len={length} tokens"
        )
    ends = windows.cumsum()
    rows = []
    for number in numbers:
        window = random.Random(sequence_seed(seed, number)).randrange(int(ends[-1]))
        entry = int(np.searchsorted(ends, window, side="right"))
        first = window - int(ends[entry] - windows[entry])
        ids = store.piece(int(pieces[entry]))[first : first + length].tolist()
        rows.append(context.vocabulary.ids(store.vocabulary.look_up(ids)).tolist())
    return rows
