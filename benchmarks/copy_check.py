"""Measure the copy check: 1,000 random samples of 50 notes against training sets of random pieces."""

import time

import numpy as np

from etude.evaluation.copying import find_copies

NOTES = 50


def main() -> None:
    rng = np.random.default_rng(0)
    samples = [rng.integers(0, 60, NOTES) for _ in range(1000)]
    for notes in (100_000, 1_000_000):
        training = [rng.integers(0, 60, NOTES) for _ in range(notes // NOTES)]
        started = time.process_time()
        find_copies(samples, training)
        print(f"{notes:>9,} training notes: {time.process_time() - started:.1f} s of processor time")


if __name__ == "__main__":
    main()
