"""Disturb sweeps on a real Ray of two nodes, and compare each with an undisturbed one.

    python benchmarks/ray_sweep.py [--keep FOLDER] [NAME ...]

Run it in an environment of its own: `pip install hydra-ray-launcher`. It starts a head and a second node
on this machine, one core each. It types a sweep of four jobs and two trainings in a folder per trial, and
compares weights, optimizer, metrics.csv and samples with those of a sweep without Ray. Exit code 1 if
anything differs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from disturbed import Book, Trial, main, wait_until

RAY = "hydra/launcher=ray"
ADDRESS = "127.0.0.1:26379"


def undisturbed(trial: Trial, book: Book) -> None:
    with node():
        code = trial.start(RAY).wait()
    book.enter("on Ray", trial, str(code), ("begun once", trial.attempts == "1,1"))


def worker_killed(trial: Trial, book: Book) -> None:
    with node():
        sweep = trial.start(RAY)
        wait_until("both train", trial.training, sweep)
        os.kill(int(trial.runs[0].status["pid"]), signal.SIGKILL)
        code = sweep.wait()
    book.enter(
        "a process of Ray's killed", trial, str(code), ("exit code 0", code == 0),
        ("continued", trial.continued() == 1),
    )  # fmt: skip


def node_killed(trial: Trial, book: Book) -> None:
    with node() as second:
        sweep = trial.start(RAY)
        wait_until("both train", trial.training, sweep)
        for pid in family(second.pid):
            os.kill(pid, signal.SIGKILL)
        code = sweep.wait()
    book.enter(
        "the second node killed", trial, str(code), ("exit code 0", code == 0),
        ("continued", trial.continued() == 1),
    )  # fmt: skip


def abandoned(trial: Trial, book: Book) -> None:
    with node():
        first = trial.start(RAY)
        wait_until("both train", trial.training, first)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        code = trial.start(RAY).wait()
    book.enter("`etude train -m` killed; the line again", trial, f"-9 {code}", ("exit code 0", code == 0))


TRIALS = (undisturbed, worker_killed, node_killed, abandoned)


@contextmanager
def ray(_: Path) -> Iterator[None]:
    """Run a head node for the duration of the block."""
    print(f"ray {version('ray')}, hydra-ray-launcher {version('hydra-ray-launcher')}")
    with node(head=True):
        os.environ["RAY_ADDRESS"] = ADDRESS
        yield


@contextmanager
def node(*, head: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """Run a node of one core for the duration of the block."""
    own = ["--head", "--port=26379", "--include-dashboard=false"] if head else [f"--address={ADDRESS}"]
    ray = Path(sys.executable).with_name("ray")
    small = ["--num-cpus=1", "--object-store-memory=80000000", "--disable-usage-stats"]
    command = [ray, "start", *own, *small, "--block"]
    before = 0 if head else nodes()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until("the node is there", lambda: nodes() == before + 1, process)
        yield process
    finally:
        left = family(process.pid)
        process.terminate()
        process.wait()
        time.sleep(2)
        for pid in left:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)


def nodes() -> int:
    """Count the living nodes; 0 without Ray."""
    count = "print(sum(node['Alive'] for node in ray.nodes()))"
    script = f"import ray; ray.init('{ADDRESS}', logging_level=50); {count}"
    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return int(asked.stdout) if asked.returncode == 0 else 0


def family(pid: int) -> list[int]:
    """Ids of a process and all its descendants."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [pid, *(each for child in found.split() for each in family(int(child)))]


if __name__ == "__main__":
    TITLE = "Sweeps of four jobs, two trainings, on a Ray of two nodes"
    main(__doc__, TITLE, ray, *TRIALS)
