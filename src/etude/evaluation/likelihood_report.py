"""Likelihood report: a network beside its baselines, all on the same labels, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from etude.encodings import CharactersEncoding
from etude.evaluation.baselines import BaselineScores
from etude.evaluation.bootstrap import Estimate, Floats, estimate, plain, ratios, resampled_sums, sums_by
from etude.evaluation.held_out import HeldOutSet
from etude.evaluation.likelihood import LabelScores, nats_to_perplexity, note_mask
from etude.evaluation.token_times import piece_notes, piece_seconds
from etude.music import Piece

BINS = 15  # of confidence; as many as Guo et al. 2017 take
PIECE_PARTS = 10
METRICS = (  # of a row
    "nats", "bits", "perplexity", "accuracy", "note_nats", "note_accuracy",
    "bits_per_note", "bits_per_second", "bits_per_character",
)  # fmt: skip


def likelihood_report(
    name: str,
    scores: LabelScores,
    baselines: Sequence[BaselineScores],
    held_out: HeldOutSet,
    *,
    pieces: Mapping[int, Piece] | None = None,
    compressed: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the section ``likelihood`` of evaluation.json as plain values.

    ``pieces``: the music of pieces of the store, where it is at hand; ABC text has notes and seconds only
    there. ``compressed``: nats per character of xz.
    """
    models = [BaselineScores(name, scores.nats, scores.right), *baselines]
    sums = _sums(models, scores, held_out, pieces or {})
    table = _Table(sums, resamples, seed)
    is_text = isinstance(held_out.data.encoding, CharactersEncoding)
    rows = [_row(model, index, table, is_text=is_text) for index, model in enumerate(models)]
    if compressed is not None:
        rows.append(_compressed_row(compressed))
    return {
        "labels": len(scores.ids),
        "pieces": len(sums["labels"]),
        "left_out": held_out.left_out,
        "notes": int(sums["notes"].sum()) if "notes" in sums else None,
        "seconds": float(sums["seconds"].sum()) if "seconds" in sums else None,
        "rows": rows,
        "gain": _gain(models, table),
        "calibration": calibration(scores),
        "by_piece_position": by_piece_position(scores, held_out),
        "by_bar_position": None,
    }


class _Table:
    """Sums by name, observed and resampled, and estimates of their quotients."""

    def __init__(self, named: Mapping[str, Floats], resamples: int, seed: int) -> None:
        columns = np.stack(list(named.values()), axis=1)  # (pieces, names)
        both = zip(columns.sum(axis=0), resampled_sums(columns, resamples, seed).T, strict=True)
        self._sums, self._is_one = dict(zip(named, both, strict=True)), len(columns) == 1

    def ratio(self, above: str, below: str, *, minus: str = "", scale: float = 1.0) -> Estimate | None:
        """Return the estimate of (sum(above) − sum(minus)) / sum(below) · scale; None without such sums."""
        names = [above, below, *([minus] if minus else [])]
        if not self._sums.keys() >= set(names):
            return None
        (first, second, *others), (top, bottom, *less) = zip(
            *(self._sums[name] for name in names), strict=True
        )
        if not second:
            return None
        resampled = ratios(top - sum(less), bottom) * scale
        found = estimate(float((first - sum(others)) / second) * scale, resampled)
        return Estimate(found.value) if self._is_one else found


def _sums(
    models: Sequence[BaselineScores], scores: LabelScores, held_out: HeldOutSet, pieces: Mapping[int, Piece]
) -> dict[str, Floats]:
    """Return the sums of each piece by name, its notes and seconds where they are known; all (pieces,)."""
    indices, entry = np.unique(scores.piece, return_inverse=True)
    is_note = note_mask(held_out.data.encoding, held_out.store.vocabulary)[scores.ids]
    weights = {"labels": np.ones(len(entry)), "note labels": is_note}
    for index, model in enumerate(models):
        weights |= {f"{index} right": model.right, f"{index} note right": model.right & is_note}
        if model.nats is not None:
            weights |= {f"{index} nats": model.nats, f"{index} note nats": model.nats * is_note}
    found = {name: sums_by(entry, each, len(indices)) for name, each in weights.items()}
    if held_out.subset.labels is None:  # else a part of a piece
        for name, unit in (("notes", piece_notes), ("seconds", piece_seconds)):
            if (each := unit(held_out, indices.tolist(), pieces)) is not None:
                found[name] = each
    return found


def _row(model: BaselineScores, index: int, table: _Table, *, is_text: bool) -> dict[str, Any]:
    bit = 1 / math.log(2)
    nats = table.ratio(f"{index} nats", "labels")
    found = {
        "nats": nats,
        "bits": table.ratio(f"{index} nats", "labels", scale=bit),
        "perplexity": None if nats is None else _perplexity(nats),
        "accuracy": table.ratio(f"{index} right", "labels"),
        "note_nats": table.ratio(f"{index} note nats", "note labels"),
        "note_accuracy": table.ratio(f"{index} note right", "note labels"),
        "bits_per_note": table.ratio(f"{index} nats", "notes", scale=bit),
        "bits_per_second": table.ratio(f"{index} nats", "seconds", scale=bit),
        "bits_per_character": table.ratio(f"{index} nats", "labels", scale=bit) if is_text else None,
    }
    return {"name": model.name, "chosen": model.chosen, **{key: plain(found.get(key)) for key in METRICS}}


def _compressed_row(nats: float) -> dict[str, Any]:
    bits = Estimate(nats / math.log(2))
    found = {
        "nats": Estimate(nats),
        "bits": bits,
        "perplexity": _perplexity(Estimate(nats)),
        "bits_per_character": bits,
    }
    return {"name": "xz", "chosen": False, **{key: plain(found.get(key)) for key in METRICS}}


def _perplexity(nats: Estimate) -> Estimate:
    return Estimate(*(None if each is None else nats_to_perplexity(each) for each in nats))  # type: ignore[arg-type]


def _gain(models: Sequence[BaselineScores], table: _Table) -> dict[str, Any] | None:
    """Return by how many nats the model is better than the chosen n-gram; positive: better."""
    for index, model in enumerate(models):
        if model.chosen:
            found = table.ratio(f"{index} nats", "labels", minus="0 nats")
            return {"over": model.name, "nats": plain(found)}
    return None


def calibration(scores: LabelScores) -> dict[str, Any]:
    """Return the expected calibration error and its bins: Guo et al. 2017, section 2.

    The mean, over labels, of how far accuracy and confidence differ in the label's bin of confidence.
    """
    bins = np.minimum((scores.confidence * BINS).astype(np.int64), BINS - 1)
    counts = sums_by(bins, np.ones(len(bins)), BINS)
    confidence = ratios(sums_by(bins, scores.confidence, BINS), counts)
    accuracy = ratios(sums_by(bins, scores.right, BINS), counts)
    filled = counts > 0
    error = float((np.abs(confidence - accuracy)[filled] * counts[filled]).sum() / counts.sum())
    rows = [
        {"from": low / BINS, "labels": int(count), "confidence": float(mean), "accuracy": float(hits)}
        for low, count, mean, hits in zip(range(BINS), counts, confidence, accuracy, strict=True)
        if count
    ]
    return {"ece": error, "bins": rows}


def by_piece_position(scores: LabelScores, held_out: HeldOutSet) -> list[dict[str, Any]]:
    """Return nats and accuracy by tenths of a piece, from its beginning to its end."""
    lengths = np.diff(held_out.store.offsets)[scores.piece]
    part = scores.position * PIECE_PARTS // lengths
    return [
        {"from": each / PIECE_PARTS, **scores.means(part == each)}
        for each in range(PIECE_PARTS)
        if (part == each).any()
    ]
