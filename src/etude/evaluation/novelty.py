"""Novelty: how much of the samples is in the training pieces, beside held-out pieces as the yardstick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from etude.corpora.prepared import PreparedCorpus
from etude.encodings import PerformanceEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.evaluation.copying import NGRAM, Copied, find_copies, piece_steps
from etude.evaluation.excerpts import excerpt
from etude.evaluation.held_out import HeldOutSet, held_out_set
from etude.evaluation.stored_music import MusicFiles, stored_pieces, stored_steps
from etude.music import Piece
from etude.sampling.samples import Sample

MOST_SHOWN = 12  # samples whose copies are stored as notes, as many as a page has cards
LONGEST_SHOWN = 3  # and those of the longest copies


def novelty_section(
    samples: Sequence[Sample], held_out: HeldOutSet, training: HeldOutSet, music: MusicFiles
) -> dict[str, Any]:
    """Return the section ``novelty`` of evaluation.json. ``music``: the files of the training corpus.

    Under a split by window the held-out pieces are those that the network was trained on, so they are no
    yardstick and are left out. Performances are compared by their pitches alone, since no two have the same
    times.
    """
    rhythm = not isinstance(training.data.encoding, PerformanceEncoding)
    apart = held_out.subset.labels is None and held_out.name != "train"
    humans = held_out.subset.pieces.tolist() if apart else []
    queries = [piece_steps(one.piece, rhythm=rhythm) for one in samples]
    queries += stored_steps(held_out, humans, rhythm=rhythm)
    learnt = stored_steps(training, training.subset.pieces.tolist(), rhythm=rhythm)
    found = find_copies(queries, learnt)
    ours, theirs = found[: len(samples)], found[len(samples) :]
    return {
        "compares": "intervals and times" if rhythm else "intervals",
        "ngram": NGRAM,
        "training_pieces": len(training.subset.pieces),
        "samples": _summary(ours),
        "held_out": _summary(theirs) if theirs else None,
        "rows": _rows(samples, ours, training, music),
    }


def copy_check(samples: Sequence[Sample], data: PreparedCorpus, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the section for samples of a network with this vocabulary, which was trained on ``data``."""
    training, held_out = (held_out_set(data, name, vocabulary) for name in ("train", "test"))
    return novelty_section(samples, held_out, training, MusicFiles(data))


def _rows(
    samples: Sequence[Sample], found: Sequence[Copied], training: HeldOutSet, music: MusicFiles
) -> list[dict[str, Any]]:
    """Return a row for each sample; the first ones, and the longest copies, with their notes."""
    learnt = training.subset.pieces.tolist()
    files = music.pieces({learnt[each.longest.piece] for each in found if each.longest})
    rows = [_row(one, each, learnt, training, files) for one, each in zip(samples, found, strict=True)]
    longest = sorted(range(len(rows)), key=lambda place: -rows[place]["notes_shared"])[:LONGEST_SHOWN]
    shown = {*range(min(len(rows), MOST_SHOWN)), *longest}
    runs = {place: run for place in sorted(shown) if (run := found[place].longest)}
    pieces = stored_pieces(training, {learnt[run.piece] for run in runs.values()}, music)
    for place, run in runs.items():
        rows[place]["shared"] = {
            "sample": excerpt(samples[place].piece, run.query_start, run.notes),
            "piece": excerpt(pieces[learnt[run.piece]], run.start, run.notes),
        }
    return rows


def _summary(found: Sequence[Copied]) -> dict[str, float]:
    longest = [each.longest.notes if each.longest else 0 for each in found]
    ngrams = sum(each.ngrams for each in found)
    return {
        "pieces": len(found),
        "median_run": float(np.median(longest)),
        "longest_run": int(max(longest)),
        "known_ngrams": sum(each.known for each in found) / ngrams if ngrams else 0.0,
    }


def _row(
    one: Sample, copied: Copied, learnt: Sequence[int], training: HeldOutSet, files: Mapping[int, Piece]
) -> dict[str, Any]:
    run = copied.longest
    row: dict[str, Any] = {
        "sample": one.number,
        "notes": len(one.piece),
        "notes_shared": run.notes if run else 0,
        "known_ngrams": copied.known / copied.ngrams if copied.ngrams else None,
    }
    if run:
        index = learnt[run.piece]
        row |= {
            "piece": training.store.names[index],
            "title": files[index].title if index in files else "",
            "from_note": run.query_start + 1,
            "piece_from_note": run.start + 1,
        }
    return row
