"""Heading of a benchmark's table: machine, date, commit."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def heading(title: str) -> str:
    known = about()
    return (  # other work on the machine (its load, in cores) makes every figure worse
        f"{title}\n{known['machine']}; Python {known['python']}, numpy {np.__version__}; "
        f"load before {known['load']:.1f}; {known['date']}; commit {known['commit']}\n"
    )


def about() -> dict[str, str | float]:
    """Return the machine, its load, the date and the commit."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "machine": f"{processor()}, {cores} cores, {platform.system()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "commit": git("rev-parse", "--short", "HEAD")
        + (" with changes" if git("status", "--porcelain") else ""),
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def git(*arguments: str) -> str:
    folder = Path(__file__).parent
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def status_kib(field: str, pid: int | str = "self") -> int:
    """Return a value of /proc/PID/status in KiB, e.g. RssAnon or VmHWM (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print a table: first column left-aligned, others right-aligned, a rule below the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        first, *others = row
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]).rstrip())
        if not number:
            print("  ".join("-" * width for width in widths))
