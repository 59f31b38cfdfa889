"""Measure the cost of a sweep's job beyond its training, with a prepared corpus.

    python benchmarks/sweep_overhead.py [--jobs 200] [--at-once 1] [--logger csv]
    python benchmarks/bench.py --only sweep_overhead

Each job is a different toy training. Overhead is the time from the first job's start to the last one's
end, per job and slot, less the time the run itself measured (`minutes` in its results). One-time work
(composing, importing in the process server, the table at the end) has its own row. A second call of the
same command shows the cost of finding everything done. `make bench` trains some seconds in each job: one at a
time, two at a time, and with Hydra's own launcher, one after another in one process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import datetime
from pathlib import Path
from statistics import mean, median

from machine import heading, print_table
from rows import Row, Scale, etude, pick

TOY = (
    "debug=limit",
    "name=${data.name}_${model.name}",
    "trainer.max_epochs=1",
    "model.hidden_dim=8",
    "sampling.num_samples=0",
)

SMALL = (
    "data.max_pieces=300",
    "model.hidden_dim=64",
    "sampling.num_samples=0",
    "logger=csv",
)  # of some seconds


def rows(scale: Scale) -> list[Row]:
    jobs, epochs = pick(scale, 2, 4, 16), pick(scale, 1, 8, 8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        etude(folder, "prepare", "data.max_pieces=300")
        small = ("train", *SMALL, f"trainer.max_epochs={epochs}", "-m", f"seed=range({jobs})")
        ours, again, basic, two = (
            etude(folder, *small, f"outputs_dir={place}", *flags)
            for place, flags in (
                ("one", ()),
                ("one", ()),
                ("basic", ("hydra/launcher=basic",)),
                ("two", ("-j", "2")),
            )
        )
    what = f"sweep of {jobs} small trainings"
    return [  # by the clock: the processor time of jobs in a server's processes is not known here
        Row(what, ours.seconds, "s", "Hydra's basic launcher", basic.seconds, False),
        Row(f"{what}, two at a time", two.seconds, "s", "one at a time", ours.seconds, False, 1.9),
        Row(f"{what}, all done before", again.seconds, "s", "the first time", ours.seconds, False),
    ]


def main(jobs: int, at_once: int, logger: str) -> None:
    print(heading(f"Overhead of a sweep of {jobs} tiny jobs, {at_once} at a time, logger={logger}"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        etude(folder, "prepare", "data.max_pieces=60")
        line = ["train", *TOY, f"logger={logger}", "-m", "-j", str(at_once), f"seed=range({jobs})"]
        first, again = (etude(folder, *line).seconds for _ in range(2))
        [sweep] = (folder / "outputs" / "sweeps").iterdir()
        statuses = [json.loads(path.read_text()) for path in sorted(sweep.glob("jobs/*/status.json"))]
    assert all(status["state"] == "done" for status in statuses)
    ends = [datetime.fromisoformat(status["time"]).timestamp() for status in statuses]
    trained = [60 * status["result"]["minutes"] for status in statuses]
    inside = [status["seconds"] - own for status, own in zip(statuses, trained, strict=True)]
    working = max(ends) - min(ends) + median(status["seconds"] for status in statuses)
    table = [
        ["figure", "seconds"],
        ["the whole command", f"{first:.1f}"],
        ["training, mean of a job", f"{mean(trained):.2f}"],
        ["overhead of a job", f"{working * at_once / jobs - mean(trained):.2f}"],
        ["  of which within the job", f"{mean(inside):.2f}"],
        ["once, before and after the jobs", f"{first - working:.1f}"],
        ["the same line again, all done", f"{again:.1f}"],
    ]
    print_table(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--logger", default="csv", choices=("csv", "wandb", "tensorboard"))
    asked = parser.parse_args()
    main(asked.jobs, asked.at_once, asked.logger)
