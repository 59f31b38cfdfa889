"""Compare the samples of two runs with held-out music, by what `etude evaluate` stored.

    etude evaluate run=RUN sampling.num_samples=300 sampling.temperature=1.0   # for both
    python benchmarks/music_beside.py evaluation.json evaluation.json

Prints, for each feature, the mean of both runs and of the held-out pieces, and how far the distribution of
each run overlaps with theirs. Then the copies: the share of groups of eight notes that stand in a training
piece, and the longest run of notes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from machine import heading, print_table


def main(first: Path, second: Path) -> None:
    print(heading("Samples of two runs beside held-out music"), flush=True)
    contents = [json.loads(path.read_text(encoding="utf-8")) for path in (first, second)]
    rows = [
        {row["name"]: row for row in content["music"]["features"] if row["overlap"] and differs(row)}
        for content in contents
    ]
    shared = [name for name in rows[0] if name in rows[1]]
    table = [["", "held out", "first", "overlap", "second", "overlap", "closer"]]
    closer = []
    for name in shared:
        ours, theirs = (found[name] for found in rows)
        overlaps = [round(row["overlap"]["value"], 3) for row in (ours, theirs)]
        closer.append((overlaps[0] > overlaps[1]) - (overlaps[0] < overlaps[1]))
        means = [f"{row['samples']['value']:.2f}" for row in (ours, theirs)]
        cells = [f"{ours['held_out']['value']:.2f}"]
        for mean, overlap in zip(means, overlaps, strict=True):
            cells += [mean, f"{overlap:.3f}"]
        table.append([name, *cells, {1: "first", 0: "alike", -1: "second"}[closer[-1]]])
    print_table(table)
    summaries = [("first", contents[0]["novelty"]["samples"]), ("second", contents[1]["novelty"]["samples"])]
    if human := contents[0]["novelty"]["held_out"]:
        summaries.insert(0, ("held out", human))
    copies = [["", "pieces", "known 8-note groups", "median run, notes", "longest run, notes"]]
    for name, found in summaries:
        runs = (f"{found[key]:g}" for key in ("median_run", "longest_run"))
        copies.append([name, str(found["pieces"]), f"{found['known_ngrams']:.1%}", *runs])
    print_table(copies)
    print(f"the first is closer in {closer.count(1)} of {len(shared)} features, alike in {closer.count(0)}")


def differs(row: dict[str, Any]) -> bool:
    """Return whether a feature has more than one value: the polyphony of melodies is always 1."""
    counts = row["histogram"]
    return sum(any(pair) for pair in zip(counts["samples"], counts["held_out"], strict=True)) > 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    given = parser.parse_args()
    main(given.first, given.second)
