"""The first held-out pieces of an evaluation, from the corpus of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from etude.corpora.prepared import PreparedCorpus
from etude.encodings.vocabulary import Vocabulary
from etude.evaluation.features import FEATURES
from etude.evaluation.held_out import held_out_set
from etude.evaluation.samples_report import measured_pieces
from etude.evaluation.stored_music import MusicFiles, stored_pieces
from etude.music import Piece


def first_pieces(
    content: Mapping[str, Any], training: PreparedCorpus, vocabulary: Vocabulary, count: int
) -> list[Piece]:
    """Return the first ``count`` held-out pieces with notes, in the order of the corpus.

    ``content``: that of evaluation.json. Empty unless the corpus has the pieces that were evaluated: the same
    tokens, number of pieces and mean pitch range.
    """
    corpus, music = content["corpus"], content["music"]
    if (training.name, training.store.fingerprint) != (corpus["name"], corpus["fingerprint"]):
        return []
    held_out = held_out_set(training, corpus["set"], vocabulary)
    pieces = stored_pieces(held_out, measured_pieces(held_out))
    with_notes = [index for index, piece in pieces.items() if len(piece)]
    pitch_range = FEATURES[0]
    stated = [row["held_out"] for row in music["features"] if row["name"] == pitch_range.name]
    values = [float(pitch_range.values(pieces[index])[0]) for index in with_notes]
    if len(values) != music["held_out"] or not (stated and stated[0] and stated[0]["value"] is not None):
        return []
    if not math.isclose(sum(values) / len(values), stated[0]["value"], rel_tol=1e-6):
        return []
    return list(stored_pieces(held_out, with_notes[:count], MusicFiles(training)).values())
