"""Prepare MIDI files on a real Ray of two nodes, kill one of them or the command, and compare the stores.

    python benchmarks/ray_prepare.py [--files 2000] [--folder FOLDER] [--music FOLDER]

It starts a head and a second node on this machine, one core each (`pip install ray`). The files are those of
`many_files.py`. Each preparation is compared, byte for byte, with one on one core without Ray. "half way":
half of its tokens are written. Exit code 1 if anything differs. Linux only.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from disturbed import wait_until
from machine import heading, print_table
from many_files import real_tunes, write_files
from ray_sweep import ADDRESS, family, node

ON_RAY = f"ray={ADDRESS}"


class Trial:
    """One preparation into a folder of its own."""

    def __init__(self, name: str, scratch: Path) -> None:
        self.name, self.scratch, self.data = name, scratch, Path(tempfile.mkdtemp(dir=scratch))
        self.codes: list[int] = []
        self.seconds = 0.0

    def run(self, *words: str, disturb: Callable[[subprocess.Popen[bytes]], None] | None = None) -> None:
        """Type `etude prepare` and wait for it; ``disturb`` is called at once, and may wait."""
        command = [sys.executable, "-m", "etude", "prepare", "data=midi_folder", *words]
        where = (f"data.path={self.scratch / 'music'}", f"data.data_dir={self.data}")
        started = time.perf_counter()
        process = subprocess.Popen([*command, *where], cwd=self.scratch, stdout=subprocess.DEVNULL)
        if disturb:
            disturb(process)
        self.codes.append(process.wait())
        self.seconds += time.perf_counter() - started

    def written(self) -> int:
        """Bytes of ids written so far."""
        return sum(path.stat().st_size for path in self.data.glob("store/.making-*/provisional"))

    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.data.glob("store/*/*") if path.is_file()}


def main(files: int, scratch: Path, originals: Path | None) -> int:
    print(heading(f"etude prepare of {files:,} MIDI files on Ray {version('ray')}"), flush=True)
    write_files(scratch / "music", files, real_tunes(originals) if originals else None)
    alone = Trial("one core, without Ray", scratch)
    alone.run()
    if any(alone.codes):
        return 1
    expected = alone.content()
    half = len(expected["ids.npy"])  # ids are written with 4 bytes first, and kept with 2
    trials = [alone]

    def new(name: str) -> Trial:
        trials.append(Trial(name, scratch))
        return trials[-1]

    os.environ.update(RAY_worker_niceness="0")  # Ray would leave the processor to all else on this machine
    with node(head=True):
        with node() as second:
            new("on two nodes").run(ON_RAY)

            def kill_node(process: subprocess.Popen[bytes]) -> None:
                wait_until("half way", lambda: trials[-1].written() > half, process)
                for pid in family(second.pid):
                    os.kill(pid, signal.SIGKILL)

            new("the second node killed half way").run(ON_RAY, disturb=kill_node)

        def kill_command(process: subprocess.Popen[bytes]) -> None:
            wait_until("half way", lambda: trials[-1].written() > half, process)
            process.kill()

        new("the command killed half way; again").run(ON_RAY, disturb=kill_command)
        trials[-1].run(ON_RAY)
    table = [("", "exit codes", "seconds", "the same bytes")]
    same = [trial.content() == expected for trial in trials]
    for trial, equal in zip(trials, same, strict=True):
        codes = " ".join(map(str, trial.codes))
        table.append((trial.name, codes, f"{trial.seconds:.0f}", "yes" if equal else "NO"))
    print_table(table)
    return int(not all(same))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--music", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        sys.exit(main(chosen.files, Path(folder), chosen.music))
