"""The soak: tries all activities in turn until SOAK_MINUTES are over; the same command resumes it.

    SOAK_MINUTES=60 SOAK_FOLDER=build/soak SOAK_SEED=0 SOAK_JOBS=2 SOAK_PARTS=kill python -m soak

SOAK_JOBS: rounds at once; by default one per core. SOAK_PARTS: only the parts whose names begin so. What
breaks is kept in the folder, with the input. The last line is the summary, also after Ctrl-C or SIGTERM. Exit
code 1: something broke.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from etude.processes import usable_cores
from soak.activities import activities
from soak.ground import Ground
from soak.rounds import Soak


def main() -> int:
    """Run or resume the soak; return 1 if something broke."""
    settings = os.environ
    folder = Path(settings.get("SOAK_FOLDER", "build/soak")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    soak = Soak(folder, int(settings.get("SOAK_SEED", "0")), float(settings.get("SOAK_MINUTES", "60")))
    known = activities(Ground(folder / "ground"))
    parts = {name: each for name, each in known.items() if name.startswith(settings.get("SOAK_PARTS", ""))}
    signal.signal(signal.SIGTERM, _stop)
    try:
        soak.run(parts, jobs=int(settings.get("SOAK_JOBS", str(usable_cores()))))
    except KeyboardInterrupt:
        print("stopped; the same command goes on", flush=True)
    print(soak.summary(parts), flush=True)
    return 1 if soak.broken else 0


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
