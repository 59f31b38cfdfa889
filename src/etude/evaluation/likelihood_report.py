"""Likelihood report: a network beside its baselines, all on the same labels, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from etude.encodings import CharactersEncoding
from etude.evaluation.baselines import BaselineScores
from etude.evaluation.bootstrap import Estimate, Floats, estimate, plain, ratios, resampled_sums, sums_by
from etude.evaluation.held_out import HeldOutSet
from etude.evaluation.likelihood import Bools, Ids, LabelScores, nats_to_perplexity, note_mask
from etude.evaluation.token_times import piece_notes, piece_seconds
from etude.music import Piece

BINS = 15  # of confidence; as many as Guo et al. 2017 take
PIECE_PARTS = 10
FIGURES = (  # of a row
    "nats", "bits", "perplexity", "accuracy", "note_nats", "note_accuracy",
    "bits_per_note", "bits_per_second", "bits_per_character",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over the labels of each piece, and the units that means are taken over, all (pieces,)."""

    labels: Floats
    note_labels: Floats
    notes: Floats | None  # that the piece has, where they are known
    seconds: Floats | None

    @classmethod
    def of(
        cls,
        scores: LabelScores,
        entry: Ids,
        is_note: Bools,
        held_out: HeldOutSet,
        pieces: Mapping[int, Piece],
    ) -> _Sums:
        indices: list[int] = sorted(set(scores.piece.tolist()))
        labels = sums_by(entry, np.ones(len(entry)), len(indices))
        noted = sums_by(entry, is_note, len(indices))
        whole = held_out.subset.labels is None
        notes = piece_notes(held_out, indices, pieces) if whole else None
        seconds = piece_seconds(held_out, indices, pieces) if whole else None
        return cls(labels, noted, notes, seconds)


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
    pieces = pieces or {}
    _, entry = np.unique(scores.piece, return_inverse=True)
    is_note = note_mask(held_out.data.encoding, held_out.store.vocabulary)[scores.ids]
    sums = _Sums.of(scores, entry, is_note, held_out, pieces)
    models = [BaselineScores(name, scores.nats, scores.right), *baselines]
    columns, places = _columns(models, entry, is_note, sums)
    drawn = resampled_sums(columns, resamples, seed)
    table = _Table(columns, drawn, places)
    is_text = isinstance(held_out.data.encoding, CharactersEncoding)
    rows = [_row(model, index, table, is_text=is_text) for index, model in enumerate(models)]
    if compressed is not None:
        rows.append(_compressed_row(compressed))
    return {
        "labels": len(scores.ids),
        "pieces": int(entry.max()) + 1,
        "left_out": held_out.left_out,
        "notes": None if sums.notes is None else int(sums.notes.sum()),
        "seconds": None if sums.seconds is None else float(sums.seconds.sum()),
        "rows": rows,
        "gain": _gain(models, table),
        "calibration": calibration(scores),
        "by_piece_position": by_piece_position(scores, held_out),
        "by_bar_position": None,
    }


class _Table:
    """Sums by name, observed and resampled, and estimates of their quotients."""

    def __init__(self, columns: Floats, drawn: Floats, places: Mapping[str, int]) -> None:
        self._columns, self._drawn, self._places = columns, drawn, places

    def ratio(self, above: str, below: str, *, minus: str = "", scale: float = 1.0) -> Estimate | None:
        """Return the estimate of (sum(above) − sum(minus)) / sum(below) · scale; None without such sums."""
        names = [above, below, *([minus] if minus else [])]
        if not self._places.keys() >= set(names):
            return None
        total = self._columns.sum(axis=0)
        (first, second, *others), (top, bottom, *less) = (
            [sums[..., self._places[name]] for name in names] for sums in (total, self._drawn)
        )
        if not second:
            return None
        resampled = ratios(top - sum(less), bottom) * scale
        found = estimate(float((first - sum(others)) / second) * scale, resampled)
        return found if len(self._columns) > 1 else Estimate(found.value)


def _columns(
    models: Sequence[BaselineScores], entry: Ids, is_note: Bools, sums: _Sums
) -> tuple[Floats, dict[str, int]]:
    """Return the sums of each piece as columns, and the column of each name."""
    count = len(sums.labels)
    named: dict[str, Floats] = {"labels": sums.labels, "note labels": sums.note_labels}
    if sums.notes is not None:
        named["notes"] = sums.notes
    if sums.seconds is not None:
        named["seconds"] = sums.seconds
    for index, model in enumerate(models):
        named[f"{index} right"] = sums_by(entry, model.right, count)
        named[f"{index} note right"] = sums_by(entry, model.right & is_note, count)
        if model.nats is not None:
            named[f"{index} nats"] = sums_by(entry, model.nats, count)
            named[f"{index} note nats"] = sums_by(entry, model.nats * is_note, count)
    return np.stack(list(named.values()), axis=1), {each: place for place, each in enumerate(named)}


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
    return {"name": model.name, "chosen": model.chosen, **{key: plain(found.get(key)) for key in FIGURES}}


def _compressed_row(nats: float) -> dict[str, Any]:
    bits = Estimate(nats / math.log(2))
    found = {
        "nats": Estimate(nats),
        "bits": bits,
        "perplexity": _perplexity(Estimate(nats)),
        "bits_per_character": bits,
    }
    return {"name": "xz", "chosen": False, **{key: plain(found.get(key)) for key in FIGURES}}


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
        {"from": each / PIECE_PARTS, **_means(scores, part == each)}
        for each in range(PIECE_PARTS)
        if (part == each).any()
    ]


def _means(scores: LabelScores, where: Bools) -> dict[str, Any]:
    return {
        "labels": int(where.sum()),
        "nats": float(scores.nats[where].mean()),
        "accuracy": float(scores.right[where].mean()),
    }
