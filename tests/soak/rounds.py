"""Rounds of the soak: several at once, each in a process of its own, counted in a file after each."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from etude.files import write_json
from forked import end, has_ended
from soak.activities import Activity
from soak.ground import BrokenPromiseError

POLL = 0.05  # seconds


class Soak:
    """State of one soak, kept in its folder after each round. ``clock``: seconds."""

    def __init__(
        self, folder: Path, seed: int, minutes: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self.seed, self.minutes, self._clock = folder, seed, minutes, clock
        self._file = folder / "state.json"
        known: dict[str, Any] = json.loads(self._file.read_text()) if self._file.is_file() else {}
        self.seconds: float = known.get("seconds", 0.0)
        self.rounds = Counter[str](known.get("rounds", {}))
        self.tried = Counter[str](known.get("tried", {}))
        self.counts = Counter[str](known.get("counts", {}))
        self.broken: list[str] = known.get("broken", [])

    def run(self, parts: Mapping[str, Activity], jobs: int = 1) -> None:
        """Try parts until the time is over, one round of each at a time; then wait for the last rounds."""
        began = self._clock() - self.seconds
        running: dict[str, int] = {}  # part: process
        try:
            while running or self.seconds < 60 * self.minutes:
                while len(running) < jobs and self.seconds < 60 * self.minutes:
                    if not (waiting := [name for name in parts if name not in running]):
                        break
                    # one that is far behind its goal comes next; a long one waits until the others catch up
                    name = min(waiting, key=lambda each: self.tried[each] / parts[each].goal)
                    running[name] = self._begin(name, parts[name])
                for name in [name for name, child in running.items() if has_ended(child)]:
                    end(running.pop(name))
                    self._take(name)
                self.seconds = self._clock() - began
                time.sleep(POLL)
        finally:
            for child in running.values():  # its commands end with it; the round is tried again
                os.killpg(child, signal.SIGKILL)
                end(child)
            self._save()

    def _scratch(self, name: str) -> Path:
        return self.folder / "rounds" / name.replace(" ", "-")

    def _begin(self, name: str, activity: Activity) -> int:
        """Start the next round of a part in a process that leads a group; return its id."""
        scratch, number = self._scratch(name), self.rounds[name]
        shutil.rmtree(scratch, ignore_errors=True)
        (folder := scratch / "round").mkdir(parents=True)
        if child := os.fork():
            return child
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # its commands must not inherit the soak's own
            counted: Counter[str] = Counter()
            broken = ""
            try:
                counted = activity.round(folder, Random(f"{self.seed}/{name}/{number}"), number)
            except BrokenPromiseError as error:
                broken = str(error)
            except Exception:  # a fault of the soak is shown as one
                broken = traceback.format_exc()
            write_json(scratch / "result.json", {"counts": counted, "broken": broken})
        finally:
            os._exit(0)

    def _take(self, name: str) -> None:
        """Count a round that has ended, and keep its folder if it broke a promise."""
        scratch, number = self._scratch(name), self.rounds[name]
        file = scratch / "result.json"
        found = json.loads(file.read_text()) if file.is_file() else {"broken": "the round left no result"}
        counted = Counter[str](found.get("counts", {}))
        if found["broken"]:
            kept = self.folder / "broken" / f"{name.replace(' ', '-')}-{number}"
            shutil.rmtree(kept, ignore_errors=True)
            kept.parent.mkdir(exist_ok=True)
            (scratch / "round").rename(kept)
            self.broken.append(f"{name}, round {number}: {found['broken']} (kept in {kept})")
            print(f"BROKEN {self.broken[-1]}", flush=True)
            counted[f"{name}, broken"] += 1
        self.rounds[name] += 1
        self.tried[name] += counted.total()
        self.counts += counted
        print(f"{self.seconds / 60:6.1f} min  {name} {number}: {dict(counted)}", flush=True)
        self._save()

    def _save(self) -> None:
        known = {"rounds": self.rounds, "tried": self.tried, "counts": self.counts, "broken": self.broken}
        write_json(self._file, {"seconds": self.seconds, **known})

    def summary(self, parts: Mapping[str, Activity]) -> str:
        """Return the result in one line."""
        sums = Counter[str]()
        for name, many in self.tried.items():
            sums[name.rpartition(" ")[0] if name.startswith("full") else name.partition(" ")[0]] += many
        tried = ", ".join(f"{many} × {name}" for name, many in sums.items())
        short = ", ".join(
            f"{name} ({self.tried[name]} of {each.goal})"
            for name, each in parts.items()
            if self.tried[name] < each.goal
        )
        missing = f"; short of the goal: {short}" if short else "; every goal reached"
        head = f"soak: {self.seconds / 60:.0f} min, seed {self.seed}"
        return f"{head}: {tried or 'nothing yet'}; {len(self.broken)} broken{missing}"
