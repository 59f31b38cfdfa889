"""Measure where the bits of ABC text go: number, title, source, other fields, music.

    python benchmarks/header_and_music.py RUN [RUN ...]

Each RUN is a run of characters, or a model such as pretrained/cobb. Its test tunes are read once; a line end
belongs to its line. Fields after the first K: line count as music.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from machine import heading, print_table

from etude.evaluation.held_out import held_out_set
from etude.evaluation.likelihood import nats_to_bits, score_labels
from etude.models.checkpoint import load_model
from etude.runs.lookup import find_checkpoint
from etude.sampling.context import TrainingContext

PARTS = {"X": "number X:", "T": "title T:", "Z": "source Z:"}
OTHER, MUSIC, WHOLE = "M:, L: and K:", "music", "all"


def main(runs: Sequence[str]) -> None:
    print(heading("Bits per character of the test tunes, by part"))
    torch.set_num_threads(1)
    rows = [("run", "part", "characters", "bits per character", "bits per tune")]
    for run in runs:
        model = load_model(find_checkpoint(run)[0])
        held_out = held_out_set(TrainingContext.of_model(model).corpus, "test", model.vocabulary)
        scores = score_labels(model.network, held_out.batches())
        part = np.array(
            [
                each
                for index in np.unique(scores.piece).tolist()
                for each in parts_of("".join(held_out.piece(index)) + "\n")
            ]
        )
        bits = nats_to_bits(1) * scores.nats
        for name in (*PARTS.values(), OTHER, MUSIC, WHOLE):
            own = bits[(part == name) | (name == WHOLE)]
            per_tune = own.sum() / len(np.unique(scores.piece))
            rows.append((run, name, f"{len(own):,}", f"{own.mean():.3f}", f"{per_tune:.1f}"))
    print_table(rows)


def parts_of(tune: str) -> Iterator[str]:
    """Yield the part of each character of a tune."""
    in_music = False
    for line in tune.splitlines(keepends=True):
        yield from [MUSIC if in_music else PARTS.get(line[0], OTHER)] * len(line)
        in_music = in_music or line.startswith("K:")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+")
    main(parser.parse_args().runs)
