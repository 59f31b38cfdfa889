"""Commands ended by signals at random moments, and typed again: they end as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

from etude.processes import OwnProcess
from forked import has_ended
from soak.ground import (
    Ground,
    Line,
    check_said,
    check_same,
    must,
    outcome,
    type_in,
    wait,
)

CODES = {
    signal.SIGKILL: (-signal.SIGKILL, 0),
    signal.SIGTERM: (-signal.SIGTERM, os.EX_TEMPFAIL, 0),
    signal.SIGINT: (-signal.SIGINT, 130, 0),
}
VERBS = ("prepare", "train", "sample", "sweep", "search", "rerun", "export")


class Kills:
    """Rounds of one verb: the undisturbed command once, then killed ones to compare with it."""

    def __init__(self, ground: Ground, verb: str) -> None:
        self._ground, self.verb = ground, verb

    def round(self, folder: Path, rng: Random) -> Counter[str]:
        """Kill the command two to eight times; return how often with which signal.

        Only signals that found the command at work count.
        """
        calm, seconds = self._undisturbed()
        counted: Counter[str] = Counter()
        shutil.rmtree(folder / "killed", ignore_errors=True)
        data = self._ground.lay_out(folder / "killed", self.verb)
        for _ in range(rng.randint(2, 8)):
            number = rng.choice(list(CODES))
            name = signal.Signals(number).name
            # a squared fraction: early moments are cheap, and a command that goes on has less left to do
            moment = seconds * rng.random() ** 2
            counted[f"{self.verb} {name}"] += self._kill(folder / "killed", data, number, moment, rng)
        must(folder / "killed", self._last_codes, self._line, data=data)
        found = outcome(folder / "killed")
        if self.verb == "rerun":  # one that had ended before the signal is made a second time
            found = {name: value for name, value in found.items() if "/rerun-" not in name or name in calm}
        check_same(folder, found, calm, f"{self.verb} after {dict(counted)}")
        return counted

    @property
    def _line(self) -> Line:
        return self._ground.line(self.verb)

    @property
    def _last_codes(self) -> tuple[int, ...]:
        """Exit codes after kills; export overwrites no file that an earlier one has finished."""
        return (0, 2) if self.verb == "export" else (0,)

    def _kill(self, folder: Path, data: Path, number: signal.Signals, moment: float, rng: Random) -> bool:
        """Send a signal after ``moment`` seconds; return whether the process was still at work."""
        (folder / "said.txt").unlink(missing_ok=True)
        child = type_in(folder, self._line, data=data, first=_own)
        while os.getpgid(child) != child:  # not yet a group of its own
            time.sleep(0.001)
        deadline = time.monotonic() + moment
        while time.monotonic() < deadline and not has_ended(child):
            time.sleep(0.002)
        at_work = not has_ended(child)
        os.killpg(child, number)
        if at_work and rng.random() < 0.3:
            time.sleep(rng.uniform(0, 0.3))
            os.killpg(child, number)  # a second one must change nothing
        code = wait(child, folder, self.verb)
        if (folder / "said.txt").is_file() and code != 99:  # else it was ended before the command began
            check_said(folder, [code], (*CODES[number], *self._last_codes), [self._line])
        return at_work

    def _undisturbed(self) -> tuple[dict[str, bytes], float]:
        """Return the outcome of the undisturbed command, and its seconds; run it unless it is known."""
        folder = self._ground.folder / "calm" / self.verb
        if not (known := folder / "seconds").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            data = self._ground.lay_out(folder, self.verb)
            began = time.monotonic()
            must(folder, 0, self._line, data=data)
            known.write_text(str(time.monotonic() - began))
        return outcome(folder), float(known.read_text())


def _own() -> None:
    OwnProcess.is_ours = True
