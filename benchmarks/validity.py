"""Count the well-formed pieces of an untrained network, with the grammar and without, for each encoding.

    python benchmarks/validity.py [--samples 1000] [--tokens 256]

Well formed: the decoder repairs nothing (for ABC: bars and repeats are right), and there is a note.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import torch
from machine import heading

from etude.encodings import (
    CharactersEncoding,
    Encoding,
    GridEncoding,
    NoteDurationEncoding,
    PerformanceEncoding,
    PitchSetEncoding,
    VoicesEncoding,
)
from etude.encodings.vocabulary import Vocabulary
from etude.models.lstm import LSTMNetwork
from etude.models.settings import LSTMConfig
from etude.sampling.grammars.by_encoding import make_grammar
from etude.sampling.sampler import sample

PITCHES = range(48, 81)
LETTERS = " !\"#'(),-./0123456789:<=>ABCDEFGHIJKLMNOPRSTVWXYZ[]^_abcdefghijklmnopqrstuvwxyz|"
PERFORMANCE = PerformanceEncoding(lowest=21, highest=108)
VOICES = [f"{voice}:{pitch}/{n}" for voice in range(1, 5) for pitch in PITCHES for n in (1, 2, 4, 8)]
ENCODINGS: list[tuple[Encoding, Vocabulary]] = [
    (GridEncoding(), Vocabulary.of(["_", "r", *map(str, PITCHES)])),
    (NoteDurationEncoding(), Vocabulary.of(f"{what}/{n}" for what in ("r", *PITCHES) for n in (1, 2, 4, 8))),
    (PitchSetEncoding(), Vocabulary.of(["C4", "D4", "B-4", "C4.E4", "D3.F#3"])),
    (PERFORMANCE, Vocabulary.of(PERFORMANCE.symbols)),
    (CharactersEncoding(), Vocabulary.of(LETTERS, terminator="\n")),
    (VoicesEncoding(), Vocabulary.of([*VOICES, "+1", "+2", "+4"])),
]


def main(samples: int, tokens: int) -> None:
    torch.set_num_threads(1)
    print(heading(f"Valid pieces of {samples} by an untrained network, {tokens} tokens at most"))
    print("encoding", "with the grammar", "without", "seconds with it", sep=", ")
    for encoding, vocabulary in ENCODINGS:
        cells = []
        for masked in (True, False):
            started = time.perf_counter()
            pieces = drawn(encoding, vocabulary, samples, tokens, masked=masked)
            took = time.perf_counter() - started
            valid = sum(is_valid(encoding, piece) for piece in pieces)
            cells += [f"{valid} ({valid / samples:.1%})", f"{took:.0f}"]
        print(encoding.name, cells[0], cells[2], cells[1], sep=", ", flush=True)


def drawn(
    encoding: Encoding, vocabulary: Vocabulary, count: int, length: int, *, masked: bool
) -> list[list[str]]:
    torch.manual_seed(1)
    network = LSTMNetwork(
        len(vocabulary),
        LSTMConfig(name="lstm", embedding_dim=None, hidden_dim=16, num_layers=1, dropout=0.0),
    )
    rows = sample(
        network,
        torch.full((count, 1), vocabulary.terminator),
        terminator=vocabulary.terminator,
        ends_after=encoding.ends_after,
        max_new=length,
        grammar=make_grammar(encoding, vocabulary) if masked else None,
    )
    return [vocabulary.look_up(row) for row in rows]


def is_valid(encoding: Encoding, tokens: Sequence[str]) -> bool:
    decoded = encoding.decode(tokens)
    faults = encoding.faults(tokens) if isinstance(encoding, CharactersEncoding) else decoded.repairs
    return not faults and len(decoded.piece) > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=256)
    given = parser.parse_args()
    main(given.samples, given.tokens)
