"""Novelty: how much of the samples is in the training pieces, beside held-out pieces as the yardstick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from etude.encodings import PerformanceEncoding
from etude.evaluation.copying import NGRAM, Copied, find_copies, piece_steps
from etude.evaluation.held_out import HeldOutSet
from etude.evaluation.stored_music import MusicFiles, stored_pieces, stored_steps
from etude.music import Piece
from etude.sampling.samples import Sample

SHOWN = 3  # of the longest copies, as notes


def novelty_section(
    samples: Sequence[Sample], held_out: HeldOutSet, training: HeldOutSet, music: MusicFiles
) -> dict[str, Any]:
    """Return the section ``novelty`` of evaluation.json. ``music``: the files of the training corpus.

    Under a split by window the held-out pieces are those that the network was trained on, so they are no
    yardstick and are left out. Performances are compared by their pitches alone, since no two have the same
    times.
    """
    rhythm = not isinstance(training.data.encoding, PerformanceEncoding)
    learnt = training.subset.pieces.tolist()
    apart = held_out.subset.labels is None and held_out.name != "train"
    humans = held_out.subset.pieces.tolist() if apart else []
    queries = [piece_steps(one.piece, rhythm=rhythm) for one in samples]
    queries += stored_steps(held_out, humans, rhythm=rhythm)
    found = find_copies(queries, stored_steps(training, learnt, rhythm=rhythm))
    ours, theirs = found[: len(samples)], found[len(samples) :]
    copied = {learnt[each.longest.piece] for each in ours if each.longest}
    files = music.pieces(copied)
    rows = [_row(one, each, learnt, training, files) for one, each in zip(samples, ours, strict=True)]
    longest = sorted(range(len(rows)), key=lambda place: -rows[place]["notes_shared"])[:SHOWN]
    for place in longest:
        if run := ours[place].longest:
            index = learnt[run.piece]
            piece = stored_pieces(training, [index])[index]
            rows[place]["shared"] = {
                "sample": _notes(samples[place].piece, run.query_start, run.notes),
                "piece": _notes(piece, run.start, run.notes),
            }
    return {
        "compares": "intervals and times" if rhythm else "intervals",
        "ngram": NGRAM,
        "training_pieces": len(learnt),
        "samples": _summary(ours),
        "held_out": _summary(theirs) if theirs else None,
        "rows": rows,
    }


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


def _notes(piece: Piece, first: int, count: int) -> list[tuple[float, float, int]]:
    """Return notes of a piece, each as onset and length in quarter notes, and pitch."""
    order = np.lexsort((piece.pitch, piece.onset))[first : first + count]
    columns = piece.onset[order] / piece.division, piece.duration[order] / piece.division, piece.pitch[order]
    return list(zip(*(column.tolist() for column in columns), strict=True))
