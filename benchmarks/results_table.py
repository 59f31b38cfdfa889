"""Print the table of docs/results.md from finished runs.

    python benchmarks/results_table.py RUN [RUN ...]

Each RUN is a run folder. Runs that differ only in their seed share a row: mean ± standard deviation.
Below the runs on one split is the n-gram baseline chosen on its validation set.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np

from etude.evaluation.likelihood import nats_to_bits
from etude.models.checkpoint import load_model
from etude.reports.curves import read_metrics
from etude.runs.folder import RunFolder
from etude.runs.identity import flatten, identity

HEAD = ("run", "seed", "parameters", "epochs", "minutes", "device", "train nats", "val nats", "test nats",
        "test bits", "test acc.", "onset nats", "onset acc.", "commit")  # fmt: skip


class Run(NamedTuple):
    """A finished run: its model, corpus and results."""

    name: str
    split: str
    apart_from_seed: str
    seed: int
    parameters: int
    device: str
    commit: str
    figures: dict[str, float]
    baseline: dict[str, Any]


def main(folders: Sequence[Path]) -> None:
    runs = [read(folder) for folder in folders]
    for split in dict.fromkeys(run.split for run in runs):
        here = [run for run in runs if run.split == split]
        print(f"\n**{split}**\n\n| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
        for key in dict.fromkeys(run.apart_from_seed for run in here):
            print_row(row([run for run in here if run.apart_from_seed == key]))
        print_row(baseline_row(here[0].baseline))


def read(folder: Path) -> Run:
    run = RunFolder(folder)
    config = run.read_config()
    manifest = json.loads(run.manifest.read_text(encoding="utf-8"))
    network = load_model(run.checkpoint("best")).network
    results, data = run.results, config["data"]
    if "test" not in results:
        sys.exit(f"{folder} has not been trained to its end: type the line again that began it")
    test, validation = results["test"], results["validation"]
    train = dict(read_metrics(run.metrics)["train/loss"])
    onsets = test["onsets"] or {}
    encoding = data["encoding"]["_target_"].rpartition(".")[2].removesuffix("Encoding")
    what = "held out whole" if data["split"] == "by_piece" else "overlapping windows"
    return Run(
        name=f"`{config['name']}` {folder.name}",
        split=f"{data['name']}, {encoding}, split {data['split']} ({what}), corpus "
        f"{manifest['corpus']['fingerprint'][:8]}, shares {data['split_fractions']}",
        apart_from_seed=str(
            {k: v for k, v in flatten(identity(config)).items() if k not in ("seed", "label")}
        ),
        seed=config["seed"],
        parameters=sum(p.numel() for p in network.parameters() if p.requires_grad),
        device=f"CPU, {config['threads']} thread" if config["trainer"]["accelerator"] == "cpu" else "GPU",
        commit=manifest["git"]["commit"][:7] + (" with changes" if manifest["git"]["diff"] else ""),
        figures={
            "epochs": validation["epochs"],
            "minutes": results["minutes"],
            "train": train.get(validation["best_epoch"] - 1, float("nan")),
            "val": validation["nats"],
            "test": test["nats"],
            "bits": test["bits"],
            "accuracy": 100 * test["accuracy"],
            "onsets": onsets.get("nats") or float("nan"),
            "onset accuracy": 100 * onsets.get("accuracy", float("nan")),
        },
        baseline=next(baseline for baseline in results["baselines"] if baseline["chosen"]),
    )


def row(runs: Sequence[Run]) -> list[str]:
    """Return one row for the runs that differ only in their seed."""
    first = runs[0]
    cells = {key: spread([run.figures[key] for run in runs], key) for key in first.figures}
    return [
        first.name,
        ", ".join(str(run.seed) for run in runs),
        f"{first.parameters:,}",
        *(cells[key] for key in ("epochs", "minutes")),
        first.device,
        *(cells[key] for key in ("train", "val", "test", "bits", "accuracy", "onsets", "onset accuracy")),
        ", ".join(dict.fromkeys(run.commit for run in runs)),
    ]


def baseline_row(baseline: dict[str, Any]) -> list[str]:
    onsets = baseline["onsets"] or {"nats": None, "accuracy": float("nan")}
    missing = float("nan")
    values = (baseline["nats"], nats_to_bits(baseline["nats"]))
    return [
        f"{baseline['name']}, Witten–Bell",
        *["–"] * 7,
        *(f"{value:.3f}" for value in values),
        f"{100 * baseline['accuracy']:.1f} %",
        text(onsets["nats"] if onsets["nats"] is not None else missing, "onsets"),
        text(100 * onsets["accuracy"], "onset accuracy"),
        "–",
    ]


def spread(values: Sequence[float], key: str) -> str:
    if len(values) == 1:
        return text(values[0], key)
    return f"{text(mean(values), key)} ± {text(float(np.std(values, ddof=1)), key)}"


def text(value: float, key: str) -> str:
    if math.isnan(value):
        return "–"
    if key in ("accuracy", "onset accuracy"):
        return f"{value:.1f} %"
    return f"{value:.0f}" if key == "epochs" else f"{value:.1f}" if key == "minutes" else f"{value:.3f}"


def print_row(cells: Iterable[str]) -> None:
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main([Path(argument) for argument in sys.argv[1:]])
