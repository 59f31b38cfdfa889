"""Train with two processes again and again; count the trainings in which either process failed.

    python benchmarks/two_processes.py [--trainings 200] [etude train's own settings ...]

The first process is forked from one that has imported everything and ends as a program does, through the
interpreter's own end. The one that helps it is started as always. train.log says how the helper ended.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from etude.cli import main
from etude.commands import train as _imported  # noqa: F401  before the first fork

TOY = ("debug=limit", "name=${data.name}_${model.name}", "logger=csv",
       "model.hidden_dim=8", "model.dropout=0", "data.batch_size=11",
       "trainer.max_epochs=1", "sampling.forms=[]", "trainer.devices=2", "trainer.strategy=ddp")  # fmt: skip


def train_once(folder: Path, settings: list[str]) -> str:
    """Train in a new process; return how it and its helper ended, "well" if both did."""
    sys.stdout.flush()
    if not (child := os.fork()):
        os.chdir(folder)
        with (folder / "said.txt").open("a") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        sys.exit(main(["train", *TOY, *settings]))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    logs = [path.read_text() for path in folder.glob("outputs/*/*/train.log")]
    warned = [line for log in logs for line in log.splitlines() if "helped to train ended" in line]
    return "; ".join([f"first process: code {code}"] * bool(code) + warned) or "well"


def run() -> int:
    """Train, and count the outcomes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trainings", type=int, default=200)
    flags, settings = parser.parse_known_args()
    began, ends = time.monotonic(), Counter[str]()
    for number in range(1, flags.trainings + 1):
        with tempfile.TemporaryDirectory() as folder:
            ends[train_once(Path(folder), settings)] += 1
        minutes = (time.monotonic() - began) / 60
        print(f"{number} trainings in {minutes:.1f} minutes: {dict(ends.most_common())}", flush=True)
    return 0 if set(ends) <= {"well"} else 1


if __name__ == "__main__":
    sys.exit(run())
