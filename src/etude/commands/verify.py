"""``etude verify RUN``: check a finished run's files against their checksums."""

from __future__ import annotations

from collections.abc import Sequence

from etude.commands.arguments import Words
from etude.errors import EtudeError
from etude.runs.catalogue import find
from etude.runs.checksums import NAME, count_known, damage
from etude.terminal import say

_ABOUT = """\
Compare every file of a finished run with the checksum that was kept when the run was done.

Exit code 0: all are as they were. 1: some are damaged or missing."""


def verify(words: Sequence[str]) -> int:
    """Check the files of a run; return the exit code."""
    parser = Words("verify", _ABOUT)
    parser.add_argument("run", metavar="RUN", help="its folder, latest, or the beginning of its name or hash")
    flags = parser.read(words)
    run = find(flags.outputs, flags.run)
    run.check_readable()
    count = count_known(run.path)
    if not count:
        raise EtudeError(f"{run.path} ({run.state}) has no {NAME}: it is written when a training is done")
    found = damage(run.path)
    for sentence in found:
        say(sentence)
    say(f"{run.path}: {count - len(found)} of {count} files are as they were when the run was done")
    return 1 if found else 0
