"""Disturb sweeps on a real SLURM (preempt, time out, kill, submit twice), and compare each with a calm one.

    sudo python benchmarks/slurm_sweep.py [--keep FOLDER] [NAME ...]

Starts SLURM on this machine alone (slurm_node.sh, as root, after apt-get install slurmctld slurmd munge).
Runs a sweep of four jobs and two trainings in a folder per trial, and compares weights, optimizer,
metrics.csv and samples with those of a sweep without SLURM. SLURM makes a requeued job wait for two
minutes; here it waits for five seconds. Exit code 1 if anything differs.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from disturbed import LINE, PATIENCE, Book, Trial, main, wait_until

NODE = Path(__file__).with_name("slurm_node.sh")
SLURM = "hydra/launcher=slurm"
RECIPE = Path(__file__).parents[1] / "docs" / "recipes" / "reproduce.md"


def undisturbed(trial: Trial, book: Book) -> None:
    code = trial.start(SLURM).wait()
    book.enter("on SLURM", trial, str(code), ("begun once", trial.attempts == "1,1"))


def preempted(
    trial: Trial, book: Book, partition: str = "work", what: str = "preempted, requeued by SLURM"
) -> None:
    sweep = trial.start(SLURM, f"hydra.launcher.partition={partition}")
    wait_until("both train", trial.training, sweep)
    shell(
        "sbatch",
        "--partition=urgent",
        f"--cpus-per-task={os.cpu_count()}",
        "--output=/dev/null",
        "--wrap=sleep 1",
    )
    wait_until("both preempted", lambda: trial.jobs.count("preempted") == 2, sweep)
    code = ended(sweep)
    book.enter(what, trial, str(code), ("exit code 0", code == 0), ("continued", trial.continued() == 2))


def graced(trial: Trial, book: Book) -> None:
    preempted(trial, book, "grace", "preempted with a period of grace")


def warned(trial: Trial, book: Book) -> None:
    """Send the signal that SLURM sends a job before its time limit, at a fixed moment."""
    sweep = trial.start(SLURM)
    wait_until("both train", trial.training, sweep)
    shell("scancel", "--signal=USR2", f"--name={sweep_name(trial)}")
    code = ended(sweep)
    book.enter(
        "SIGUSR2, as at the end of its time", trial, str(code), ("exit code 0", code == 0),
        ("continued", trial.continued() == 2),
    )  # fmt: skip


def killed(trial: Trial, book: Book) -> None:
    sweep = trial.start(SLURM)
    wait_until("both train", trial.training, sweep)
    os.kill(int(trial.runs[0].status["pid"]), signal.SIGKILL)
    first = ended(sweep)
    states = sorted(trial.jobs)
    code = trial.start(SLURM).wait()
    book.enter(
        "a job killed on its node; the line again", trial, f"{first} {code}",
        ("exit codes 1 and 0", (first, code) == (1, 0)), ("the other done", states.count("done") == 2),
        ("continued", trial.continued() == 1),
        ("the other left alone", sorted(trial.attempts) == list(",12")),
    )  # fmt: skip


def abandoned(trial: Trial, book: Book) -> None:
    first = trial.start(SLURM)
    wait_until("both train", trial.training, first)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    code = ended(trial.start(SLURM))
    book.enter(
        "`etude train -m` killed; the line again", trial, f"-9 {code}", ("exit code 0", code == 0),
        ("told of", "in SLURM's queue already" in trial.said), ("trained once", trial.attempts == "1,1"),
    )  # fmt: skip


def cancelled(trial: Trial, book: Book) -> None:
    sweep = trial.start(SLURM)
    wait_until("both train", trial.training, sweep)
    shell("scancel", f"--name={sweep_name(trial)}")
    first = ended(sweep)
    left = hurried()
    code = trial.start(SLURM).wait()
    book.enter(
        "cancelled; the line again", trial, f"{first} {code}", ("not requeued", not left),
        ("exit codes 1 and 0", (first, code) == (1, 0)), ("continued", trial.continued() == 2),
    )  # fmt: skip


def batch_script(trial: Trial, book: Book) -> None:
    """The script of docs/recipes/reproduce.md, for a training of the calm sweep: preempted in its grace."""
    [lines] = re.findall(r"^(#!/bin/bash\n#SBATCH.*?)^```", RECIPE.read_text(), re.DOTALL | re.MULTILINE)
    settings = shlex.join([*LINE[:-2], "seed=0", "sampling.temperature=0.6"])
    text = lines.replace("etude train experiment=erk_lstm", f"{sys.executable} -m etude train {settings}")
    assert text != lines, "the recipe has another line now"
    (trial.folder / "job.sh").write_text(text)
    os.environ["ETUDE_DATA_DIR"] = str(trial.folder.parent / "data")
    number = shell(
        "sbatch", "--parsable", "--partition=grace", f"--chdir={trial.folder}", trial.folder / "job.sh"
    ).strip()
    wait_until("it trains", lambda: trial.training(1))
    urgent()
    wait_until("preempted", lambda: trial.runs[0].state == "preempted")
    wait_until("ended", lambda: hurried() == [])
    about = shell("scontrol", "show", "job", number)
    restarts = re.findall(r"Restarts=(\d+)", about)[0]
    book.enter(
        "the batch script, preempted in its grace", trial, f"restarts {restarts}",
        ("done", trial.runs[0].is_done), ("one restart", restarts == "1"),
        ("two attempts", trial.attempts == "2"), ("completed", "JobState=COMPLETED" in about),
    )  # fmt: skip


TRIALS = (undisturbed, preempted, graced, warned, killed, abandoned, cancelled, batch_script)


def ended(sweep: subprocess.Popen[bytes]) -> int:
    """Wait for a sweep; spare requeued jobs their wait of two minutes."""
    deadline = time.monotonic() + PATIENCE
    while sweep.poll() is None:
        if time.monotonic() > deadline:
            raise TimeoutError("the sweep does not end")
        hurried()
        time.sleep(0.5)
    return sweep.returncode


def urgent() -> None:
    """Submit a job that takes all cores for a second."""
    wide = f"--cpus-per-task={os.cpu_count()}"
    shell("sbatch", "--partition=urgent", wide, "--output=/dev/null", "--wrap=sleep 1")


def hurried() -> list[str]:
    """Return the jobs in the queue; shorten a wait of two minutes to 5 seconds.

    Not for none: SLURM must have forgotten the job's last start before it starts again.
    """
    lines = shell("squeue", "--noheader", "--array", "--format=%i %r").splitlines()
    soon = datetime.now() + timedelta(seconds=10)
    for name, _, reason in (line.partition(" ") for line in lines):
        about = shell("scontrol", "show", "job", name) if "BeginTime" in reason else ""
        begins = re.findall(r"EligibleTime=([\d:T-]+)", about)
        if begins and datetime.fromisoformat(begins[0]) > soon:
            subprocess.run(["scontrol", "update", f"JobId={name}", "StartTime=now+5"], check=False)
    return lines


def sweep_name(trial: Trial) -> str:
    [path] = trial.folder.glob("outputs/sweeps/*")
    return path.name


def shell(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """Run SLURM for the duration of the block."""
    started = subprocess.run(["sh", NODE, "start", folder], capture_output=True, text=True, check=False)
    if started.returncode:
        sys.exit(started.stderr.strip())
    os.environ["SLURM_CONF"] = re.findall("'(.+)'", started.stdout)[0]
    print(f"{shell('sinfo', '--version').strip()}, submitit {version('submitit')}")
    try:
        yield
    finally:
        subprocess.run(["sh", NODE, "stop", folder], check=False)


if __name__ == "__main__":
    TITLE = "Sweeps of four jobs, two trainings, on a SLURM of one node"
    main(__doc__, TITLE, slurm, *TRIALS)
