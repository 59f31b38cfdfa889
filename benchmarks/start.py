"""Processor time and memory of commands that should not wait, beside the imports they could need.

python benchmarks/bench.py --only start
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rows import Row, Scale, Spent, etude, pick, run

COMMANDS = {  # words after `etude`, and the import beside it
    "etude runs": (("runs",), "numpy"),
    "etude train --cfg job": (("train", "--cfg", "job"), "hydra"),
    "etude prepare, prepared before": (("prepare", "data.max_pieces=60"), "numpy"),
    "etude sample, one MIDI file": (
        ("sample", "run=pretrained/erk", "sampling.num_samples=1", "sampling.forms=[midi]"),
        "torch",
    ),
}


def rows(scale: Scale) -> list[Row]:
    repeats = pick(scale, 1, 2, 5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        etude(folder, "prepare", "data.max_pieces=60")
        imports = {each: bare(each, folder, repeats) for _, each in COMMANDS.values()}
        spent = {each: least(folder, words, repeats) for each, (words, _) in COMMANDS.items()}
    found = [
        Row(each, spent[each].processor, "s", f"import {beside}", imports[beside].processor, False)
        for each, (_, beside) in COMMANDS.items()
    ]
    sample = "etude sample, one MIDI file"
    memory = Row(
        f"{sample}, memory", spent[sample].peak_mib, "MiB", "import torch", imports["torch"].peak_mib, False
    )
    return [*found, memory]


def least(folder: Path, words: tuple[str, ...], repeats: int) -> Spent:
    return min((etude(folder, *words) for _ in range(repeats)), key=lambda spent: spent.processor)


def bare(module: str, folder: Path, repeats: int) -> Spent:
    command = [sys.executable, "-c", f"import {module}"]
    return min((run(command, folder) for _ in range(repeats)), key=lambda spent: spent.processor)
