"""``etude rm RUN…``: remove runs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from etude.commands.arguments import Words, agreed, mebibytes
from etude.errors import EtudeError
from etude.runs.catalogue import Entry, find
from etude.runs.cleanup import in_use, remove_run, size_of
from etude.terminal import say

_ABOUT = """\
Remove runs, with their checkpoints and samples. What is being trained stays.

A run is its folder, latest, or the beginning of its name or hash. For many:
  etude rm $(etude runs 'state=failed' --paths)"""


def rm(words: Sequence[str]) -> int:
    """Delete the named runs, all or none; return the exit code."""
    parser = Words("rm", _ABOUT)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    flags = parser.read(words)
    chosen = _chosen(flags)
    for run in chosen:
        say(f"  {run.state:<12}{mebibytes(size_of(run.path)):>12}  {run.path}")
    if not agreed(f"Remove {len(chosen)} run{'s' * (len(chosen) != 1)}?", flags.yes):
        say("nothing was removed")
        return 0
    for run in chosen:
        remove_run(run)
    say(f"{len(chosen)} removed")
    return 0


def _chosen(flags: Namespace) -> list[Entry]:
    problems: list[str] = []
    chosen: dict[str, Entry] = {}
    for word in flags.runs:
        try:
            run = find(flags.outputs, word)
        except EtudeError as error:
            problems.append(str(error))
            continue
        if why := in_use(run):
            problems.append(f"{run.path} {why}")
        chosen[str(run.path.resolve())] = run
    if problems:
        raise EtudeError("\n".join([*problems, "Nothing was removed."]))
    return list(chosen.values())
