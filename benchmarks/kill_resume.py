"""Kill a training at random moments, again and again, and compare it with an undisturbed one.

    python benchmarks/kill_resume.py [--trainings 4] [--kills 20] [--seed 0] [etude train's own settings ...]

Each attempt is a process forked from one that has imported everything, so that a kill costs one second
instead of ten. Both trainings must end alike: the weights of last.ckpt and best.ckpt and the optimizer's
state bit for bit, metrics.csv byte for byte, the metrics of results.json. A difference ends the program,
which then keeps the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

from etude.cli import main
from etude.commands import train as _imported  # noqa: F401  before the first fork

TOY = ("debug=limit", "name=${data.name}_${model.name}", "logger=csv",
       "data.max_pieces=400", "model.hidden_dim=16", "model.dropout=0.3",
       "trainer.max_epochs=6", "trainer.log_every_n_steps=1", "callbacks.checkpoint_minutes=0.002",
       "sampling.forms=[midi]")  # fmt: skip


def start(folder: Path, settings: list[str]) -> int:
    """Train in a process of its own; return its id."""
    sys.stdout.flush()
    if child := os.fork():
        return child
    os.chdir(folder)
    with (folder / "said.txt").open("a") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        code = main(["train", *TOY, *settings])
        sys.stdout.flush()
    os._exit(code)


def train_killed(
    folder: Path, settings: list[str], kills: int, longest: float, rng: random.Random
) -> Counter[str]:
    """Train, killed up to ``kills`` times after up to ``longest`` seconds; count the phases at the kills."""
    doing: Counter[str] = Counter()
    while True:
        child = start(folder, settings)
        if sum(doing.values()) < kills:
            time.sleep(rng.uniform(0, longest))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if os.WIFSIGNALED(status):
                doing[phase(folder)] += 1
                continue
        else:
            _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(f"a training failed: {(folder / 'said.txt').read_text()[-2000:]}")
        return doing


def phase(folder: Path) -> str:
    """Phase of the killed process, read from its files."""
    runs = list(folder.glob("outputs/*/*"))
    if not runs or not (runs[0] / "samples/before").exists():
        return "before training"
    run = runs[0]
    if list(run.rglob(".*.tmp")):
        return "writing a file"
    if (run / "samples/after").exists():
        return "sampling after"
    if not (run / "checkpoints/last.ckpt").exists():
        return "first epoch"
    done = torch.load(run / "checkpoints/last.ckpt", weights_only=True)["epoch"]
    return "after training" if "test/loss" in (run / "metrics.csv").read_text() else f"epoch {done + 1}"


def only_run(folder: Path) -> Path:
    """The folder of the one run below another."""
    [run] = folder.glob("outputs/*/*")
    return run


def outcome(run: Path) -> dict[str, object]:
    """Files of a run folder to compare."""
    results = json.loads((run / "results.json").read_text())
    found: dict[str, object] = {"metrics.csv": (run / "metrics.csv").read_bytes()}
    found |= {f"results/{key}": results[key] for key in ("test", "validation", "baselines", "files")}
    for name in ("best", "last"):
        content = torch.load(run / f"checkpoints/{name}.ckpt", weights_only=True)
        for key, value in content["state_dict"].items():
            found[f"{name}/{key}"] = value.numpy().tobytes()
        for number, state in content["optimizer_states"][0]["state"].items():
            for key, value in state.items():
                found[f"{name}/optimizer/{number}/{key}"] = value.numpy().tobytes()
        found[f"{name}/steps"] = content["global_step"]
    return found


def run() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trainings", type=int, default=4)
    parser.add_argument("--kills", type=int, default=20, help="in each training, at most")
    parser.add_argument("--seed", type=int, default=0)
    arguments, settings = parser.parse_known_args()
    rng, total = random.Random(arguments.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["ETUDE_DATA_DIR"] = str(Path(scratch, "data"))
        calm = Path(scratch, "calm")
        calm.mkdir()
        train_killed(calm, settings, 0, 0, rng)
        shutil.rmtree(calm / "outputs")
        began = time.monotonic()
        train_killed(calm, settings, 0, 0, rng)
        longest = time.monotonic() - began
        expected = outcome(only_run(calm))
        print(f"undisturbed: {longest:.1f} s, {expected['last/steps']} steps")
        for number in range(1, arguments.trainings + 1):
            folder = Path(scratch, str(number))
            folder.mkdir()
            doing = train_killed(folder, settings, arguments.kills, longest, rng)
            total += doing
            found = outcome(only_run(folder))
            unlike = [key for key in expected if found.get(key) != expected[key]]
            verdict = f"different: {', '.join(unlike)}" if unlike else "identical"
            print(f"training {number}: {sum(doing.values())} kills; {verdict}", flush=True)
            if unlike:
                kept = tempfile.mkdtemp(prefix="kill_resume-")
                for one in (calm, folder):
                    shutil.copytree(one, Path(kept, one.name))
                raise SystemExit(f"both are kept in {kept}")
    counted = ", ".join(f"{count} × {name}" for name, count in sorted(total.items()))
    print(f"{sum(total.values())} kills: {counted}")


if __name__ == "__main__":
    run()
