"""The share of valid pieces of an untrained network, with the grammar and without, for each encoding.

    python benchmarks/validity.py [--samples 1000] [--tokens 256]

Valid: the encoding's decoder repairs nothing, and there is a note. Vocabularies: those of the tests.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from machine import heading, print_table

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from sampling.test_grammar import ENCODINGS, drawn, faults


def main(samples: int, tokens: int) -> None:
    torch.set_num_threads(1)
    print(heading(f"Valid pieces of {samples} by an untrained network, {tokens} tokens at most"))
    rows = [["encoding", "with the grammar", "without", "seconds with it"]]
    for encoding, vocabulary in ENCODINGS:
        cells = []
        for masked in (True, False):
            started = time.perf_counter()
            pieces = drawn(encoding, vocabulary, samples, masked=masked, length=tokens)
            took = time.perf_counter() - started
            valid = sum(not faults(encoding, piece) for piece in pieces)
            cells += [f"{valid} ({valid / samples:.1%})", f"{took:.0f}"]
        rows.append([encoding.name, cells[0], cells[2], cells[1]])
    print_table(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=256)
    given = parser.parse_args()
    main(given.samples, given.tokens)
