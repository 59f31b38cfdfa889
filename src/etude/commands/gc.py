"""``etude gc``: show leftovers (failed runs, temporary files, unused corpora); --go removes them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from etude.commands.arguments import Words, mebibytes
from etude.errors import EtudeError
from etude.runs.cleanup import remove, temporary_files, unfinished_runs, unused_stores
from etude.terminal import say

_ABOUT = """\
List leftovers: runs that failed, were pruned or interrupted, and were not resumed since;
half-written files of killed processes; with --stores also prepared corpora that no run here uses.
Nothing is removed without --go. Finished, running and queued runs stay."""


def gc(words: Sequence[str]) -> int:
    """List the leftovers, or remove them; return the exit code."""
    parser = Words("gc", _ABOUT)
    parser.add_argument(
        "--days", type=float, default=14.0, metavar="N", help="keep anything newer than N days (default: 14)"
    )
    parser.add_argument("--stores", action="store_true", help="prepared corpora too; they can be made again")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("ETUDE_DATA_DIR", "data")),
        metavar="DIR",
        help="folder of prepared corpora (default: $ETUDE_DATA_DIR, else data)",
    )
    parser.add_argument("--go", action="store_true", help="remove what is listed")
    flags = parser.read(words)
    found = list(
        chain(
            unfinished_runs(flags.outputs, flags.days),
            temporary_files(flags.outputs),
            temporary_files(flags.data / "store"),
            unused_stores(flags.data, flags.outputs, flags.days) if flags.stores else (),
        )
    )
    kept: list[str] = []
    for leftover in found:
        say(f"  {mebibytes(leftover.size):>12}  {leftover.path}  ({leftover.why})")
        if flags.go:
            try:
                remove(leftover)
            except EtudeError as error:
                kept.append(str(error))
    total = f"{len(found)} of {mebibytes(sum(leftover.size for leftover in found))} together"
    if not found:
        say("nothing to remove")
    elif not flags.go:
        say(f"{total}; nothing was removed yet: type etude gc --go to remove them")
    else:
        say(f"{total}; {len(found) - len(kept)} removed")
    if kept:
        raise EtudeError("\n".join(kept))
    return 0
