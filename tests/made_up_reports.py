"""A run and folders of samples for the pages of tests to show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from etude.files import write_json
from etude.music import Piece
from etude.rendering.forms import write_forms
from etude.reports.run_page import RunContent

EVIL = "<script>alert('&\"1\"')</script><img src=x onerror=alert(1)>"


def write_samples_folder(folder: Path, number: int = 2, *, title: str = "", tempo: float = 120) -> None:
    """A folder as `etude sample` leaves it: twelve quarter notes, the first two of them the primer."""
    rows = []
    for sample in range(1, number + 1):
        notes = [(n, 1, 60 + n) for n in range(12)]
        piece = Piece.from_notes(notes, tempos=[(0, tempo)], title=title)
        files = write_forms(piece, folder / f"sample-{sample}", ["midi", "musicxml"])
        tokens = folder / f"sample-{sample}.tokens.txt"
        tokens.write_text(f"60 _ _ _ {title}\n")
        rows.append(
            {
                "number": sample, "tokens": 48, "notes": 12, "lowest": 60, "highest": 71,
                "repeats": 0.0,
                "seconds": 720 / tempo, "nats": 0.5, "valid": True, "degenerate_from": None,
                "files": [path.name for path in [*files, tokens]], "title": title, "key": None,
                "metre": "4/4", "tempo": tempo, "quarters": 12.0,
                "primer_quarters": 2.0, "repairs": {}, "copied": _copied(sample, title),
            }
        )  # fmt: skip
    held_out = {"pieces": 30, "median_run": 7.0, "longest_run": 40, "known_ngrams": 0.08}
    about = {
        "held_out_copies": held_out,
        "format": 1,
        "model": "lstm",
        "corpus": title or "erk",
        "encoding": "grid",
        "run": "RUN",
    }
    about |= {"command": f"etude sample run=RUN {title}", "settings": {"temperature": 0.8, "primer": title}}
    write_json(
        folder / "samples.json", {**about, "generated": number, "well_formed": number, "samples": rows}
    )


def _copied(sample: int, title: str) -> dict[str, Any]:
    """What a sample shares with a training piece: four notes, a tone lower there."""
    parts = {
        name: {"metre": "4/4", "key": None, "notes": [[n + 1.0, 1.0, 62 + n - down] for n in range(4)]}
        for name, down in (("sample", 0), ("piece", 2))
    }
    return {
        "sample": sample, "notes": 12, "notes_shared": 4, "known_ngrams": 0.0, "piece": "erk1.abc X:7",
        "title": title or "Ein Lied", "from_note": 3, "piece_from_note": 9, "shared": parts,
    }  # fmt: skip


def run_content(text: str = "erk") -> RunContent:
    """Content of a run of three epochs whose every name is ``text``."""
    test = {"nats": 0.784, "bits": 1.131, "accuracy": 0.744, "onsets": {"nats": 2.0, "accuracy": 0.3}}
    results = {
        "model": text, "test": test,
        "validation": {"nats": 0.79, "accuracy": 0.74, "best_epoch": 3, "epochs": 3},
        "baselines": [
            {"name": text, "nats": None, "accuracy": 0.675, "onsets": None, "chosen": False},
            {"name": "7-gram", "nats": 1.0, "accuracy": 0.709, "onsets": None, "chosen": True},
        ],
        "minutes": 2.8,
    }  # fmt: skip
    manifest = {
        "command": ["etude", "train", f"label={text}"], "started": "2026-11-28",
        "seed": 0, "warnings": [text],
        "git": {"commit": "49e7fae8c7" * 4, "diff": ""}, "packages": {"etude": "0.1.0", "torch": text},
        "machine": {"processor": "x86_64", "threads": 1, "gpus": [text]},
        "corpus": {"counts": {"pieces": 1781, "tokens": 268291, "vocabulary": 36}},
    }  # fmt: skip
    metrics = {
        "train/loss": [(0.0, 1.3), (1.0, 0.93), (2.0, 0.88)],
        "val/loss": [(0.0, 0.94), (1.0, 0.87), (2.0, 0.85)],
        "val/accuracy": [(0.0, 0.69), (1.0, 0.71), (2.0, 0.72)],
    }
    return RunContent(manifest, results, {}, {"data.name": text, "label": text}, metrics)


Overlaps = Mapping[str, tuple[float, float]]  # feature → mean of the samples, overlap with held-out pieces

OVERLAPS = {
    "pitch range": (12.0, 0.8), "in key": (0.99, 0.9), "note length": (0.8, 0.7), "polyphony": (1.0, 1.0),
    "ends on the tonic": (0.45, 0.7), "repeated bars": (0.1, 0.6), "whole phrases": (0.2, 0.75),
}  # fmt: skip


def evaluation_content(
    overlaps: Overlaps = OVERLAPS, *, model: str = "lstm", corpus: str = "erk", fingerprint: str = "f" * 64,
    labels: int = 5000, known: float = 0.05,
) -> dict[str, Any]:  # fmt: skip
    """Content of an evaluation.json with samples; the mean of a held-out feature is 1, of one value alone if
    it is that of the polyphony.
    """

    def interval(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.05, "high": value + 0.05}

    figures = ("nats", "bits", "perplexity", "accuracy", "note_nats", "note_accuracy", "bits_per_note",
               "bits_per_second", "bits_per_character")  # fmt: skip
    features = [
        {
            "name": name, "meaning": "", "by_note": False, "samples": interval(mean),
            "held_out": interval(1.0), "training": interval(1.0), "overlap": interval(overlap),
            "overlap_training": interval(0.9),
            "histogram": {"edges": [0, 1, 2], "samples": [9.0, 0.0], "held_out": [9.0, float(overlap < 1)]},
        }
        for name, (mean, overlap) in overlaps.items()
    ]  # fmt: skip
    copies = {"pieces": 10, "median_run": 7.0, "longest_run": 15, "known_ngrams": known}
    return {
        "format": 1, "model": model, "checkpoint": "best", "precision": "float32",
        "corpus": {"name": corpus, "fingerprint": fingerprint, "set": "test", "split": "by_piece",
                   "trained_on": corpus, "overlap": 0.0},
        "likelihood": {
            "labels": labels, "pieces": 30, "left_out": 0, "notes": 1000, "seconds": 500.0,
            "rows": [{"name": model, "chosen": False, **dict.fromkeys(figures, interval(0.6))}],
            "gain": None, "calibration": {"ece": 0.01, "bins": []}, "by_piece_position": [],
            "by_bar_position": None,
        },
        "sampling": {"settings": {"temperature": 1.0, "seed": 3}, "generated": 10},
        "music": {"samples": 10, "held_out": 30, "training": 10, "features": features},
        "validity": {"samples": 10, "well_formed": 1.0, "degenerate": 0.0},
        "novelty": {"compares": "intervals and times", "ngram": 8, "training_pieces": 900,
                    "samples": copies, "held_out": {**copies, "known_ngrams": 0.07}, "rows": []},
    }  # fmt: skip
