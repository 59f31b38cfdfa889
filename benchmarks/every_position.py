"""Measure the minutes to the published validation loss: one label per window, against one at every position.

    python benchmarks/every_position.py [PRESET] [KEY=VALUE ...] [--epochs N] [--every KEY=VALUE ...]
                                        [--against PRESET]

Both trainings split by window, as the tutorials do, over the same labels: with a label at every position,
the loss leaves out the positions of the other two sets. The first training is the preset (erk_lstm) for its
own number of epochs, or ``--epochs``; its lowest validation loss is the target. The second, of the same
preset or of ``--against``, with its settings in ``--every``, stops when its validation loss is as low.
Times run from the start of the first epoch to the end of the epoch that reached the target, validation
included. Runs are written to outputs/ as usual. With one label per window the network sees the tokens of
the window alone; with a label at every position it sees all earlier tokens of the piece, as it does in
sampling.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from typing import NamedTuple

from machine import heading, print_table

EPOCH = re.compile(r"epoch (\d+)/\d+ .*\bval (\S+)")


class Training(NamedTuple):
    """Validation loss of each epoch, and its time in seconds from the start of the first."""

    losses: list[float]
    seconds: list[float]

    def reached(self, mark: float) -> int | None:
        """Return the number of the first epoch, from 0, at or below ``mark``."""
        return next((epoch for epoch, loss in enumerate(self.losses) if loss <= mark), None)


def main(preset: str, overrides: list[str], epochs: int | None, against: str, own: list[str]) -> None:
    print(heading("Minutes to the published recipe's validation loss"), flush=True)
    shared = ["data.split=by_window", "callbacks.patience=null", "logger=csv", *overrides]
    limit = [] if epochs is None else [f"trainer.max_epochs={epochs}"]
    published = train([f"experiment={preset}", *shared, *limit, "label=published"])
    mark = min(published.losses)
    longer = ["data.objective=every", "trainer.max_epochs=1000"]
    every = train([f"experiment={against}", *shared, *longer, *own, "label=every"], mark)
    rows = [["", "epochs", "minutes", "lowest val, nats", "minutes an epoch"]]
    for name, training in (("one label a window", published), ("every position", every)):
        epoch = training.reached(mark)
        spent = "–" if epoch is None else f"{training.seconds[epoch] / 60:.2f}"
        each = training.seconds[-1] / len(training.seconds) / 60
        rows.append(
            [
                name,
                "–" if epoch is None else str(epoch + 1),
                spent,
                f"{min(training.losses):.3f}",
                f"{each:.3f}",
            ]
        )
    print_table(rows)
    ends = [training.reached(mark) for training in (published, every)]
    if None not in ends:
        times = [
            training.seconds[end]
            for training, end in zip((published, every), ends, strict=True)
            if end is not None
        ]
        print(f"mark {mark:.3f} nats; ratio {times[0] / times[1]:.1f}")


def train(overrides: list[str], mark: float = -1.0) -> Training:
    """Run ``etude train``; stop it once the validation loss is at or below ``mark``."""
    command = [sys.executable, "-u", "-m", "etude", "train", *overrides, "callbacks.progress_bar=false"]
    print(" ".join(["etude", *command[4:]]), flush=True)
    training, started = Training([], []), 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("run "):
                started = time.perf_counter()
            if found := EPOCH.match(line):
                training.losses.append(float(found[2]))
                training.seconds.append(time.perf_counter() - started)
                print(f"  {line.strip()}  ({training.seconds[-1] / 60:.2f} min)", flush=True)
                if training.losses[-1] <= mark:
                    process.terminate()
                    break
    if not training.losses:
        sys.exit("no epoch ended: see the output above")
    return training


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("preset", nargs="?", default="erk_lstm")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--against", metavar="PRESET", help="preset of the second training")
    parser.add_argument("--every", nargs="*", default=[], metavar="KEY=VALUE")
    given, rest = parser.parse_known_args()
    main(given.preset, rest, given.epochs, given.against or given.preset, given.every)
