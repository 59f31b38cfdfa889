"""Work for the processes of sweeps: each imports this module, which imports nothing slow."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

from omegaconf import DictConfig

from etude.errors import EtudeError, Preempted
from etude.training.signals import stop_signals


def work(config: DictConfig) -> dict[str, int]:
    print("my seed is", config.seed)
    match config.seed:
        case 1:
            raise EtudeError("one is unlucky")
        case 2:
            raise ValueError("two is worse")
        case 3:
            sys.exit("three leaves")
        case 4:
            raise KeyboardInterrupt
        case 6:
            os.kill(os.getpid(), signal.SIGKILL)
        case 7:
            Path(str(config.label)).write_text("net: [broken")
        case 9 if not Path("stopped").exists():
            Path("stopped").touch()
            asked = multiprocessing.parent_process()  # that of the sweep, where it has processes
            os.kill(asked.pid if asked and asked.pid else os.getpid(), signal.SIGTERM)
            time.sleep(60)
        case 11 if not Path("room").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        case 10:
            os.kill(os.getpid(), signal.SIGUSR1)
    with Path("ran").open("a") as file:
        file.write(f"{config.seed}\n")
    return {"width": config.net.width, "pid": os.getpid()}


def work_again(config: DictConfig) -> dict[str, int]:
    began = Path(f"began-{config.seed}")
    again = began.exists()
    began.touch()
    match config.seed:
        case 1:
            os.kill(os.getpid(), signal.SIGKILL)
        case 2 if not again:
            os.kill(os.getpid(), signal.SIGUSR2)
            time.sleep(60)
    return {"again": again, "pid": os.getpid()}


def double(number: int) -> int:
    return 2 * number


def end(how: str) -> str:
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "preempted":
        raise Preempted("SIGTERM")
    if how == "left":
        sys.exit(3)
    if how == "raised":
        raise ValueError("no")
    return how


def large(size: int) -> bytes:
    return bytes(size)


def note_times(folder: str) -> None:
    begun = time.monotonic()
    time.sleep(0.2)
    Path(folder, str(os.getpid())).write_text(f"{begun} {time.monotonic()}")


def seen() -> tuple[str, str, str]:
    return os.environ["TROMBONE"], str(Path.cwd()), os.environ.get("CUDA_VISIBLE_DEVICES", "")


def saver(told: str) -> None:
    with stop_signals():
        try:
            Path(told).write_text("begun")
            time.sleep(120)
        except (Preempted, KeyboardInterrupt) as why:
            time.sleep(0.5)
            Path(told).write_text(f"saved after {type(why).__name__}")
            raise


def sleeper(told: str) -> None:
    Path(told).write_text(str(os.getpid()))
    time.sleep(120)
