"""Processor time of `etude evaluate` and of the copy check, with many samples of a run.

python benchmarks/evaluation.py RUN [--samples 1000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from etude.api import load_run, sampling_settings
from etude.evaluation.evaluation_file import evaluate, measure_likelihood
from etude.evaluation.held_out import held_out_set
from etude.evaluation.novelty import novelty_section
from etude.evaluation.stored_music import MusicFiles
from etude.sampling.context import TrainingContext
from etude.sampling.generation import generate


@contextmanager
def timed(what: str) -> Iterator[None]:
    processor, wall = time.process_time(), time.monotonic()
    yield
    print(
        f"{what}: {time.process_time() - processor:.1f} s of processor time, {time.monotonic() - wall:.1f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--samples", type=int, default=1000)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    model = load_run(flags.run).model
    training = TrainingContext.of_model(model).corpus
    settings = sampling_settings(num_samples=flags.samples)
    test, train = (held_out_set(training, name, model.vocabulary) for name in ("test", "train"))
    notes = sum(map(len, training.pieces(train.subset)))
    print(f"{flags.samples:,} samples; {len(train.subset.pieces):,} training pieces, {notes:,} tokens")
    with timed("generation"):
        samples = generate(model, settings).samples
    with timed("copy check"):
        found = novelty_section(samples, test, train, MusicFiles(training))
    print(f"  longest shared runs: {found['samples']}; held-out pieces: {found['held_out']}")
    with timed("likelihood and baselines"):
        likelihood = measure_likelihood(model.network, training, model.vocabulary, test)
    with timed("evaluation, generation included, likelihood not"):
        evaluate(model, training, test, settings, found=likelihood)


if __name__ == "__main__":
    main()
