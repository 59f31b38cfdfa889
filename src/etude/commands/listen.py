"""``etude listen RUN RUN ...``: write a page on which listeners compare samples of runs in pairs, blind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etude.commands.arguments import Words, check_new_page, mebibytes
from etude.errors import EtudeError
from etude.terminal import say

if TYPE_CHECKING:
    from etude.music import Piece

MOST_PAIRS = 100

_ABOUT = """\
Write a page for a blind comparison: two pieces at a time, each by another run, keys 1 and 2, results as CSV.

The samples are drawn with the seed, not chosen. The page is one file and needs no network."""


def listen(words: Sequence[str]) -> int:
    """Sample each run and write the page; return the exit code."""
    parser = Words("listen", _ABOUT, outputs=False)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="as for etude sample, such as pretrained/erk")
    parser.add_argument("--pairs", type=int, default=12, help="how many are compared (default: 12)")
    parser.add_argument("--seed", type=int, default=0, help="of the samples and of their order (default: 0)")
    parser.add_argument("-o", "--out", type=Path, default=Path("listen.html"), help="default: listen.html")
    flags = parser.read(words)
    if len(flags.runs) < 2 or len(set(flags.runs)) < len(flags.runs):
        parser.error("name two different runs or more")
    if not 1 <= flags.pairs <= MOST_PAIRS:
        parser.error(f"--pairs {flags.pairs}: from 1 to {MOST_PAIRS}")
    if flags.seed < 0:
        parser.error(f"--seed {flags.seed}: 0 or more")
    check_new_page(flags.out)

    from etude.files import atomic_write
    from etude.reports.listening_page import listening_page, plan_pairs

    pairs = plan_pairs(flags.runs, flags.pairs, flags.seed)
    needed = Counter(source for pair in pairs for source, _ in pair)
    pieces = {run: _samples(run, count, flags.seed) for run, count in needed.items()}
    atomic_write(flags.out, listening_page(pairs, pieces).encode())
    count = f"{flags.pairs} pair{'s' * (flags.pairs != 1)}"
    say(f"{flags.out}: {count}, {mebibytes(flags.out.stat().st_size)}; open it in a browser")
    return 0


def _samples(run: str, count: int, seed: int) -> list[Piece]:
    """Return ``count`` samples of a run; EtudeError if so many do not come."""
    from etude.api import load_run

    say(f"{run}: {count} samples")
    pieces = load_run(run).sample(count, seed=seed)
    if len(pieces) < count:
        raise EtudeError(f"{run} gave {len(pieces)} of {count} samples; type --pairs {len(pieces)}")
    return pieces
