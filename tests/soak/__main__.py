"""The soak: tries all activities in turn until SOAK_MINUTES are over; the same command resumes it.

    SOAK_MINUTES=60 SOAK_FOLDER=build/soak SOAK_SEED=0 python -m soak

What breaks is kept in the folder, with the input. The last line is the summary. Exit code 1: something broke.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from etude.files import write_json
from soak.activities import Activity, activities
from soak.ground import BrokenPromiseError, Ground


class Soak:
    """State of one soak, kept in its folder after each round."""

    def __init__(self, folder: Path, seed: int, minutes: float) -> None:
        self.folder, self.seed, self.minutes = folder, seed, minutes
        self._file = folder / "state.json"
        known: dict[str, Any] = json.loads(self._file.read_text()) if self._file.is_file() else {}
        self.seconds: float = known.get("seconds", 0.0)
        self.rounds = Counter[str](known.get("rounds", {}))
        self.tried = Counter[str](known.get("tried", {}))
        self.counts = Counter[str](known.get("counts", {}))
        self.broken: list[str] = known.get("broken", [])

    def run(self) -> None:
        began = time.monotonic() - self.seconds
        known = activities(Ground(self.folder / "ground"))
        while self.seconds < 60 * self.minutes:
            # one that is far behind its goal comes next; a long one waits until the others have caught up
            name = min(known, key=lambda each: self.tried[each] / known[each].goal)
            self._round(name, known[name])
            self.seconds = time.monotonic() - began
            self._save()
        short = [f"{name} ({self.tried[name]} of {each.goal})" for name, each in known.items()
                 if self.tried[name] < each.goal]  # fmt: skip
        print(self.summary(short), flush=True)

    def _round(self, name: str, activity: Activity) -> None:
        number = self.rounds[name]
        self.rounds[name] += 1
        scratch = self.folder / "round"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            counted = activity.round(scratch, Random(f"{self.seed}/{name}/{number}"), number)
        except BrokenPromiseError as broken:
            kept = self.folder / "broken" / f"{name.replace(' ', '-')}-{number}"
            shutil.rmtree(kept, ignore_errors=True)
            kept.parent.mkdir(exist_ok=True)
            scratch.rename(kept)
            self.broken.append(f"{name}, round {number}: {broken} (kept in {kept})")
            print(f"BROKEN {self.broken[-1]}", flush=True)
            counted = Counter({f"{name}, broken": 1})
        self.tried[name] += max(1, counted.total())
        self.counts += counted
        print(f"{self.seconds / 60:6.1f} min  {name} {number}: {dict(counted)}", flush=True)

    def _save(self) -> None:
        known = {"rounds": self.rounds, "tried": self.tried, "counts": self.counts, "broken": self.broken}
        write_json(self._file, {"seconds": self.seconds, **known})

    def summary(self, short: list[str]) -> str:
        """Return the result in one line."""
        sums = Counter[str]()
        for name, many in self.tried.items():
            sums[name.rpartition(" ")[0] if name.startswith("full") else name.partition(" ")[0]] += many
        tried = ", ".join(f"{many} × {name}" for name, many in sums.items())
        missing = f"; short of the goal: {', '.join(short)}" if short else "; every goal reached"
        head = f"soak: {self.seconds / 60:.0f} min, seed {self.seed}"
        return f"{head}: {tried}; {len(self.broken)} broken{missing}"


def main() -> int:
    """Run or resume the soak; return 1 if something broke."""
    folder = Path(os.environ.get("SOAK_FOLDER", "build/soak")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    soak = Soak(folder, int(os.environ.get("SOAK_SEED", "0")), float(os.environ.get("SOAK_MINUTES", "60")))
    soak.run()
    return 1 if soak.broken else 0


if __name__ == "__main__":
    sys.exit(main())
