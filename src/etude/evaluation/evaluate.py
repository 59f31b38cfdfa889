"""Evaluation of a trained network: what evaluation.json says."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from etude.corpora.prepared import PreparedCorpus
from etude.encodings import CharactersEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.evaluation.baselines import BaselineScores, LabelledPieces, baseline_scores
from etude.evaluation.compression import xz_nats
from etude.evaluation.held_out import HeldOutSet, held_out_set
from etude.evaluation.likelihood import LabelScores, score_labels
from etude.evaluation.likelihood_report import likelihood_report
from etude.models.network import Network

FORMAT = 1  # of evaluation.json


class Likelihood(NamedTuple):
    """Scores of the labels of a held-out set under a network and under the baselines of its training set."""

    held_out: HeldOutSet
    scores: LabelScores
    baselines: list[BaselineScores]
    compressed: float | None  # nats per character of xz; None for tokens that are no text


def measure_likelihood(
    network: Network, training: PreparedCorpus, vocabulary: Vocabulary, held_out: HeldOutSet
) -> Likelihood:
    """Score a held-out set. ``training``: the corpus that the network, and so the baselines, learnt from."""
    scores = score_labels(network, held_out.batches())
    train, val = (_labelled(held_out_set(training, name, vocabulary)) for name in ("train", "val"))
    tested = _labelled(held_out)
    compressed = None
    if isinstance(training.encoding, CharactersEncoding) and held_out.subset.labels is None:
        compressed = xz_nats(*(_text(each, vocabulary) for each in (train, tested)))
    return Likelihood(held_out, scores, baseline_scores(train, val, tested, vocabulary), compressed)


def likelihood_section(name: str, found: Likelihood, **settings: Any) -> dict[str, Any]:
    """Return the section ``likelihood`` of evaluation.json for a model of this name."""
    return likelihood_report(
        name, found.scores, found.baselines, found.held_out, compressed=found.compressed, **settings
    )


def evaluation_file(
    name: str, checkpoint: str, training: PreparedCorpus, found: Likelihood, likelihood: dict[str, Any]
) -> dict[str, Any]:
    """Return the content of evaluation.json with its first section."""
    data = found.held_out.data
    return {
        "format": FORMAT,
        "model": name,
        "checkpoint": checkpoint,
        "precision": "float32",
        "corpus": {
            "name": data.name,
            "fingerprint": data.store.fingerprint,
            "set": found.held_out.name,
            "split": data.config.split,
            "trained_on": training.name,
            "overlap": training.overlap if data is training else 0.0,
        },
        "likelihood": likelihood,
    }


def _labelled(found: HeldOutSet) -> LabelledPieces:
    store, (indices, labels) = found.store, found.subset
    if labels is not None and len(indices) < len(store):
        kept = np.zeros(len(store), dtype=np.bool_)
        kept[indices] = True
        labels = labels[np.repeat(kept, np.diff(store.offsets))]
    pieces = [np.append(store.piece(index), store.vocabulary.terminator) for index in indices]
    return LabelledPieces(pieces, labels)


def _text(pieces: LabelledPieces, vocabulary: Vocabulary) -> bytes:
    return "".join(vocabulary.look_up(np.concatenate(pieces.pieces).tolist())).encode()
