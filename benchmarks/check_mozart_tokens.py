"""Compare our pitch-set tokens of the Mozart files with music21's: counts, differences and times.

Usage: python benchmarks/check_mozart_tokens.py mozart_sonatas.tar.gz
"""

from __future__ import annotations

import sys
import tarfile
import tempfile
import time
from pathlib import Path

import music21

from etude.encodings.music21_midi import pitch_set_tokens
from etude.encodings.music21_midi.tokens import music21_tokens


def main(archive: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
        compare(sorted(Path(folder).rglob("[!.]*.mid")))


def compare(paths: list[Path]) -> None:
    print(f"music21 {music21.__version__}, Python {sys.version.split()[0]}")
    print(f"{'file':24} {'tokens':>7} {'music21':>8} {'elsewhere':>9} {'ours, s':>8} {'music21, s':>10}")
    ours_all: list[str] = []
    theirs_all: list[str] = []
    same = 0
    seconds = [0.0, 0.0]
    for path in paths:
        start = time.perf_counter()
        ours = pitch_set_tokens(path.read_bytes(), path.name)
        middle = time.perf_counter()
        theirs = music21_tokens(path)
        end = time.perf_counter()
        elsewhere = sum(a != b for a, b in zip(ours, theirs, strict=False)) + abs(len(ours) - len(theirs))
        times = f"{middle - start:8.2f} {end - middle:10.2f}"
        print(f"{path.name:24} {len(ours):7} {len(theirs):8} {elsewhere:9} {times}", flush=True)
        seconds = [seconds[0] + middle - start, seconds[1] + end - middle]
        same += ours == theirs
        ours_all += ours
        theirs_all += theirs
    matching = sum(a == b for a, b in zip(ours_all, theirs_all, strict=False))
    print(f"{same} of {len(paths)} files the same; {matching} of {len(theirs_all)} tokens, in order")
    print(f"{len(set(ours_all))} different tokens, in music21 {len(set(theirs_all))}")
    print(f"{seconds[0]:.2f} s against {seconds[1]:.1f} s: {seconds[1] / seconds[0]:.0f} times as fast")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
