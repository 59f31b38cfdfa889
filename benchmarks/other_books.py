"""Split what Cobb's test tunes gain from other tunebooks by how much of a tune stands in these books.

    python benchmarks/other_books.py WITHOUT WITH

Both are runs of `data=cobb data/encoding=characters`, or models such as pretrained/cobb, without and with
`data.related_books=true` in their first training. A tune is known in part if one of its runs of twelve
intervals is in a tune of the other books that is trained on. The range holds 95 % of 2,000 bootstrap samples.
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt
import torch
from machine import heading, print_table

from etude import prepare
from etude.corpora.cobb import RELATED
from etude.evaluation.held_out import held_out_set
from etude.evaluation.likelihood import nats_to_bits, score_labels
from etude.formats.abc.reader import parse_abc
from etude.models.checkpoint import load_model
from etude.runs.lookup import find_checkpoint
from etude.sampling.context import TrainingContext

RUN = 12  # intervals
SAMPLES = 2000


def main(without: str, with_books: str) -> None:
    print(heading("Bits per character of Cobb's test tunes, without and with other tunebooks"), flush=True)
    torch.set_num_threads(1)
    before, after = bits_of_tunes(without), bits_of_tunes(with_books)
    known = runs_of_other_books()
    share = {tune: len(own & known) / max(len(own), 1) for tune in before for own in [runs(tune)]}
    rows = [("tunes", "number", "without", "with", "gain", "95 %", "known, at most")]
    for name, chosen in (
        ("nothing known", [tune for tune in before if not share[tune]]),
        ("known in part", [tune for tune in before if share[tune]]),
        ("all", list(before)),
    ):
        table = np.array([(before[tune], after[tune], len(tune)) for tune in chosen])
        low, high = np.quantile(bootstrap(table), (0.025, 0.975))
        ours, theirs = table[:, :2].sum(axis=0) / table[:, 2].sum()
        most = max(share[tune] for tune in chosen)
        rows.append(
            (name, str(len(chosen)), f"{ours:.3f}", f"{theirs:.3f}", f"{ours - theirs:.3f}",
             f"{low:.3f} to {high:.3f}", f"{most:.0%}")
        )  # fmt: skip
    print_table(rows)
    print(
        f"fewer bits with them: {sum(after[tune] < before[tune] for tune in before)} of {len(before)} tunes"
    )


def bits_of_tunes(run: str) -> dict[str, float]:
    """Return the bits of each test tune, by its text."""
    model = load_model(find_checkpoint(run)[0])
    held_out = held_out_set(TrainingContext.of_model(model).corpus, "test", model.vocabulary)
    scores = score_labels(model.network, held_out.batches())
    return {
        "".join(held_out.piece(index)) + "\n": nats_to_bits(scores.nats[scores.piece == index].sum())
        for index in np.unique(scores.piece).tolist()
    }


def runs_of_other_books() -> set[tuple[int, ...]]:
    books = prepare("data=cobb", "data/encoding=characters", "data.related_books=true")
    trained = books.split.train.pieces.tolist()
    found: set[tuple[int, ...]] = set()
    for index in trained:
        if books.store.names[index].startswith(RELATED):
            start, stop = books.store.offsets[index : index + 2]
            found |= runs("".join(books.vocabulary.look_up(books.store.ids[start:stop].tolist())))
    return found


def runs(tune: str) -> set[tuple[int, ...]]:
    """Return the runs of intervals in the tune, as it is played."""
    pieces = parse_abc(tune.strip("\n") + "\n").pieces
    intervals = np.diff(pieces[0].pitch).tolist() if pieces else []
    return {tuple(intervals[start : start + RUN]) for start in range(len(intervals) - RUN + 1)}


def bootstrap(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return gains per character of tunes drawn with replacement."""
    rng = np.random.default_rng(0)
    drawn = table[rng.integers(len(table), size=(SAMPLES, len(table)))].sum(axis=1)
    return (drawn[:, 0] - drawn[:, 1]) / drawn[:, 2]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("without", metavar="WITHOUT")
    parser.add_argument("with_books", metavar="WITH")
    flags = parser.parse_args()
    main(flags.without, flags.with_books)
