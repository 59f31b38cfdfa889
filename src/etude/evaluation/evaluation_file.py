"""Evaluation of a trained network: the content of evaluation.json."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from etude.config.fields import for_json
from etude.corpora.prepared import PreparedCorpus
from etude.encodings import CharactersEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.evaluation.baselines import BaselineScores, LabelledPieces, baseline_scores, xz_nats
from etude.evaluation.held_out import HeldOutSet, held_out_set
from etude.evaluation.likelihood import LabelScores, score_labels
from etude.evaluation.likelihood_report import likelihood_report
from etude.evaluation.novelty import novelty_section
from etude.evaluation.samples_report import (
    measured_pieces,
    music_section,
    spread,
    title_of,
    validity_section,
)
from etude.evaluation.stored_music import MusicFiles, stored_pieces
from etude.evaluation.token_times import by_bar_position
from etude.models.checkpoint import TrainedModel
from etude.models.network import Network
from etude.sampling.generation import generate
from etude.sampling.settings import SamplingSettings

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
    name: str, checkpoint: str, training: PreparedCorpus, held_out: HeldOutSet, **sections: Any
) -> dict[str, Any]:
    """Return the content of evaluation.json: what was evaluated, and the sections."""
    data = held_out.data
    return {
        "format": FORMAT,
        "model": name,
        "checkpoint": checkpoint,
        "precision": "float32",
        "corpus": {
            "name": data.name,
            "fingerprint": data.store.fingerprint,
            "set": held_out.name,
            "split": data.config.split,
            "trained_on": training.name,
            "overlap": training.overlap if data is training else 0.0,
        },
        **sections,
    }


def evaluate(
    model: TrainedModel,
    training: PreparedCorpus,
    held_out: HeldOutSet,
    sampling: SamplingSettings,
    *,
    checkpoint: str = "best",
    resamples: int = 1000,
    found: Likelihood | None = None,
) -> dict[str, Any]:
    """Return the content of evaluation.json with all sections.

    ``sampling``: how the samples are generated; with num_samples=0 the likelihood is the only section.
    ``found``: the likelihood, if it is measured already.
    """
    name, seed = model.name, sampling.seed
    found = found or measure_likelihood(model.network, training, model.vocabulary, held_out)
    music = MusicFiles(training)
    own = music if held_out.data is training else MusicFiles(held_out.data)
    pieces = stored_pieces(held_out, measured_pieces(held_out), own)
    likelihood = likelihood_section(name, found, pieces=pieces, resamples=resamples, seed=seed)
    likelihood["by_bar_position"] = by_bar_position(found.scores, held_out, pieces)
    sections: dict[str, Any] = {"likelihood": likelihood}
    batch = generate(model, sampling)
    if batch.samples:
        sections["sampling"] = {"settings": for_json(vars(sampling)), "generated": batch.generated}
        learnt = held_out_set(training, "train", model.vocabulary)
        as_many = spread(learnt.subset.pieces.tolist(), most=len(batch.samples))
        humans = list(pieces.values()), list(stored_pieces(learnt, as_many, music).values())
        sections["music"] = music_section(
            batch.samples, *humans, model.encoding, resamples=resamples, seed=seed
        )
        sections["validity"] = validity_section(batch.samples, model.encoding, _titles(learnt))
        sections["novelty"] = novelty_section(batch.samples, held_out, learnt, music)
    return evaluation_file(name, checkpoint, training, held_out, **sections)


def _titles(learnt: HeldOutSet) -> set[str]:
    """Return the titles of training pieces that are ABC text."""
    if not isinstance(learnt.data.encoding, CharactersEncoding):
        return set()
    return {title_of("".join(learnt.piece(index))) for index in learnt.subset.pieces}


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
