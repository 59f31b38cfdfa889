"""Train one model on two hosts, each in a network namespace of this machine, and compare with one process.

    python benchmarks/two_machines.py [--keep FOLDER] [etude train's own settings ...]

Needs root, `ip` (iproute2), and nothing else on the addresses 10.77.0.1 and 10.77.0.2. A pair of virtual
network cards joins the namespaces; torchrun starts one process in each. The second training is stopped by
SIGTERM and continued. Exit code 1 if a weight or a metric differs by more than rounding.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from machine import heading

HOSTS = {"etude-a": "10.77.0.1", "etude-b": "10.77.0.2"}
CARD = "etude0"  # in each namespace
SMALL = ("debug=limit", "name=${data.name}_${model.name}", "logger=csv", "model.hidden_dim=8",
         "model.dropout=0",
         "data.batch_size=11", "evaluate=off", "sampling.num_samples=0", "trainer.log_every_n_steps=1",
         "callbacks.checkpoint_minutes=0")  # fmt: skip
TWO = ("trainer.num_nodes=2", "trainer.devices=1")
CLOSE = 1e-4  # relative


def ip(line: str) -> None:
    subprocess.run(["ip", *line.split()], check=True)


@contextmanager
def hosts() -> Iterator[None]:
    """Make the namespaces and the cards between them; remove them afterwards."""
    first, second = HOSTS
    try:
        for name in HOSTS:
            ip(f"netns add {name}")
        ip(f"link add {CARD} netns {first} type veth peer name {CARD} netns {second}")
        for name, address in HOSTS.items():
            ip(f"-n {name} addr add {address}/24 dev {CARD}")
            ip(f"-n {name} link set {CARD} up")
            ip(f"-n {name} link set lo up")
        yield
    finally:
        for name in HOSTS:
            with suppress(subprocess.CalledProcessError):
                ip(f"netns del {name}")


def start(folder: Path, number: int, *settings: str) -> subprocess.Popen[bytes]:
    """Start torchrun on one of the hosts."""
    name = list(HOSTS)[number]
    [main_address, _] = HOSTS.values()
    torchrun = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1", "--node-rank",
                str(number), "--master-addr", main_address, "--master-port", "29511"]  # fmt: skip
    line = ["ip", "netns", "exec", name, sys.executable, *torchrun, "-m", "etude", "train", *SMALL, *settings]
    with (folder / f"said-{name}.txt").open("a") as said:
        return subprocess.Popen(
            line, cwd=folder, stdout=said, stderr=said, env=os.environ | {"GLOO_SOCKET_IFNAME": CARD}
        )


def together(folder: Path, *settings: str, stop: bool = False) -> list[int]:
    """Train on both hosts; return the exit codes. ``stop``: send SIGTERM once there is a checkpoint."""
    processes = [start(folder, number, *TWO, *settings) for number in range(len(HOSTS))]
    if stop:
        while not list(folder.glob("outputs/*/*/checkpoints/last.ckpt")):
            if all(process.poll() is not None for process in processes):
                break
            time.sleep(0.02)
        processes[0].send_signal(signal.SIGTERM)  # torchrun hands it on
    return [process.wait() for process in processes]


def rows(run: Path) -> list[list[float]]:
    with (run / "metrics.csv").open() as file:
        return [[float(cell or 0) for cell in row] for row in list(csv.reader(file))[1:]]


def difference(one: Path, other: Path) -> float:
    """Return the largest relative difference of two runs; inf where rows are missing."""
    pairs: list[tuple[float, float]] = []
    weights = [
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for run in (one, other)
    ]
    for name in weights[0]:
        pairs += zip(weights[0][name].flatten().tolist(), weights[1][name].flatten().tolist(), strict=True)
    if len(rows(one)) != len(rows(other)):
        return float("inf")
    for left, right in zip(rows(one), rows(other), strict=True):
        pairs += zip(left, right, strict=True)
    return max(abs(a - b) / max(abs(a), abs(b), 1e-2) for a, b in pairs)


def run_in(folder: Path) -> Path:
    [run] = folder.glob("outputs/*/*")  # written once: the other host has no folder of its own
    return run


def main() -> int:
    """Train on one host and on two, print how far apart they end."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path)
    flags, settings = parser.parse_known_args()
    print(heading("one training on two hosts (network namespaces, gloo), beside one process"))
    with tempfile.TemporaryDirectory() as scratch:
        place = (flags.keep or Path(scratch)).resolve()
        folders = {name: place / name for name in ("one process", "two hosts", "stopped and continued")}
        for folder in folders.values():
            folder.mkdir(parents=True)
        os.environ["ETUDE_DATA_DIR"] = str(place / "data")
        alone, two, stopped = folders.values()
        line = [sys.executable, "-m", "etude", "train", *SMALL, *settings]
        with (alone / "said.txt").open("w") as said:
            codes = [[subprocess.run(line, cwd=alone, stdout=said, stderr=said, check=False).returncode]]
        with hosts():
            codes.append(together(two, *settings))
            codes.append(together(stopped, *settings, stop=True) + together(stopped, *settings))
        found = [difference(run_in(alone), run_in(folder)) for folder in folders.values()]
        print(f"{'training':<24}{'exit codes':<14}largest relative difference")
        for name, code, far in zip(folders, codes, found, strict=True):
            print(f"{name:<24}{' '.join(map(str, code)):<14}{far:.1g}")
    return 0 if max(found) < CLOSE else 1


if __name__ == "__main__":
    sys.exit(main())
