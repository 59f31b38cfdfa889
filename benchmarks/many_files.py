"""Measure `etude prepare` of many MIDI files: files per second, memory, what a kill costs, starts.

    python benchmarks/many_files.py [--files 10000] [--folder FOLDER] [--music FOLDER]

The benchmark writes the files: 200 to 2,000 notes each, with velocities, chords and some sustain pedal,
all different. ``--music``: a folder of MIDI files that they are cut from and transposed; else they are
random. Each row is a real command, for all files and for a tenth and a hundredth of them. Seconds count from
start to end, so they include the imports, which the first row shows alone. "processor" is the time of all
processes; files/s are those of a second of it, without the imports. Memory is the parent's. "killed":
SIGKILL in the middle, and what the next preparation takes (10,000 files at most). "first step": `etude train`
until one step is done, on files prepared before, without samples. Linux only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from machine import heading, print_table, status_kib

NoteRow = tuple[int, int, int, int]  # onset, duration, pitch, velocity

TUNES = 40  # the files are variants of these
DIVISION = 480
MIDI = "data=midi_folder"
PREPARE = ("prepare", MIDI)
STOP = "+callbacks.stop._target_=first_step.FirstStep"
TRAIN = ("train", MIDI, "logger=csv", "sampling.num_samples=0", STOP)
RUN = """
import os, sys
from etude.cli import main
os.sched_setaffinity(0, map(int, sys.argv[1].split(",")))
sys.exit(main(sys.argv[2:]))
"""


class Took(NamedTuple):
    seconds: float
    processor: float
    peak_mib: float  # all resident memory
    own_mib: float  # of it, not backed by a file (sampled)


class Table:
    """Rows as they are measured."""

    def __init__(self, imports: Took) -> None:
        self.rows = [["", "files", "seconds", "processor", "files/s", "peak (MiB)", "own (MiB)"]]
        self._imports = imports
        self.add("imports and configuration", 0, imports)

    def add(self, label: str, files: int, took: Took) -> Took:
        """Enter a row, and print it for who waits."""
        own = max(took.processor - self._imports.processor, 1e-3)
        rate = f"{files / own:,.0f}" if label.startswith("cold") else ""
        times = (f"{took.seconds:.1f}", f"{took.processor:.1f}", rate)
        row = [label, f"{files:,}", *times, f"{took.peak_mib:.0f}", f"{took.own_mib:.0f}"]
        self.rows.append(row)
        print(*row, sep="  ", file=sys.stderr, flush=True)
        return took


def main(files: int, folder: Path, originals: Path | None) -> None:
    print(heading(f"etude prepare data=midi_folder: {files:,} files"), flush=True)
    scratch = Path(tempfile.mkdtemp(dir=folder, prefix="many-files-"))
    sizes = (files // 100, files // 10, files)
    killed = max(size for size in sizes if size <= 10_000)
    try:
        started = time.perf_counter()
        write_files(scratch / str(files), files, real_tunes(originals) if originals else None)
        paths = sorted((scratch / str(files)).iterdir())
        for size in sizes[:2]:
            (scratch / str(size)).mkdir()
            for path in paths[:size]:
                os.link(path, scratch / str(size) / path.name)
        written = sum(path.stat().st_size for path in paths)
        print(f"wrote {written / 2**20:.0f} MiB in {time.perf_counter() - started:.0f} s", flush=True)
        cores = sorted(os.sched_getaffinity(0))
        table = Table(run(["prepare", "--cfg", "job"], cores, scratch))
        cold = {}
        for size in sizes:
            words = [f"data.path={scratch / str(size)}", f"data.data_dir={scratch / f'data{size}'}"]
            cold[size] = table.add(
                f"cold, cores: {len(cores)}", size, run([*PREPARE, *words], cores, scratch)
            )
            table.add("prepared before", size, run([*PREPARE, *words], cores, scratch))
            table.add("first step of a training", size, run([*TRAIN, *words], cores, scratch))
            if size == killed:
                if len(cores) > 1:
                    alone = [words[0], f"data.data_dir={scratch / 'one'}"]
                    table.add("cold, cores: 1", size, run([*PREPARE, *alone], cores[:1], scratch))
                again = [words[0], f"data.data_dir={scratch / 'killed'}"]
                half = cold[size].seconds / 2
                table.add("killed in the middle", size, run([*PREPARE, *again], cores, scratch, half))
                print(left_by_a_kill(scratch / "killed"), flush=True)
                table.add("continued after it", size, run([*PREPARE, *again], cores, scratch))
                assert ids_of(scratch / "killed") == ids_of(scratch / f"data{size}")
        print()
        print_table(table.rows)
        grown = cold[files].own_mib - cold[files // 10].own_mib
        print(f"\nmemory of its own, {files:,} files against {files // 10:,}: {grown:+.1f} MiB")
        warm_start(scratch / str(files), scratch / f"data{files}" / "store")
    finally:
        shutil.rmtree(scratch)


def run(arguments: list[str], cores: list[int], scratch: Path, kill_after: float | None = None) -> Took:
    """Run an ``etude`` command on these cores and watch its memory; kill it after so many seconds."""
    path = [str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, ",".join(map(str, cores)), *arguments],
        cwd=scratch,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "WANDB_MODE": "offline"},
        stdout=subprocess.DEVNULL,
    )
    peak = own = 0
    state = None
    while state is None:
        with suppress(FileNotFoundError, ProcessLookupError):
            peak = max(peak, status_kib("VmHWM", process.pid))
            own = max(own, status_kib("RssAnon", process.pid))
        if kill_after is not None and time.perf_counter() - started > kill_after:
            process.kill()
        time.sleep(0.02)
        pid, ended, used = os.wait4(process.pid, os.WNOHANG)
        state = ended if pid else None
    process.returncode = os.waitstatus_to_exitcode(state)
    if process.returncode and kill_after is None:
        raise SystemExit(f"etude {' '.join(arguments)} failed")
    processor = used.ru_utime + used.ru_stime
    return Took(time.perf_counter() - started, processor, peak / 1024, own / 1024)


def left_by_a_kill(data: Path) -> str:
    """Say what a killed preparation had marked, and what of it the next one must do again."""
    [scratch] = (data / "store").glob(".making-*")
    written = (scratch / "provisional").stat().st_size
    if not (scratch / "mark.json").exists():
        return f"killed after {written / 4:,.0f} tokens, before the first mark: all of it is made again"
    mark = json.loads((scratch / "mark.json").read_text())
    again = written - mark["sizes"]["provisional"][0]
    return (
        f"killed after {written / 4:,.0f} tokens, with {mark['tally']['files']:,} files marked: "
        f"{again / 4:,.0f} tokens ({again / written:.1%}) are made again"
    )


def ids_of(data: Path) -> str:
    [ids] = (data / "store").glob("*/ids.npy")
    return hashlib.sha256(ids.read_bytes()).hexdigest()


def warm_start(music: Path, data: Path) -> None:
    """Print the time of each part of a warm start in this process; the median of five."""
    from statistics import median

    from etude.corpora.folders import READERS, _names, _remembered_sha256
    from etude.corpora.store import open_store

    [store] = [path for path in data.iterdir() if path.is_dir()]
    names = _names(music, READERS["midi"][0])
    for label, work in (
        ("list the folder", lambda: _names(music, READERS["midi"][0])),
        (
            "ask for each file's size and time, compare with the last",
            lambda: _remembered_sha256(music, names, data),
        ),
        ("open the store", lambda: open_store(store)),
    ):
        seconds = []
        for _ in range(5):
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
        print(f"warm: {label}: {1000 * median(seconds):.1f} ms")
    counts = json.loads((store / "manifest.json").read_text())["counts"]
    print(f"in the store: {counts['pieces']:,} pieces, {counts['tokens']:,} tokens")


def write_files(folder: Path, count: int, tunes: Sequence[Sequence[NoteRow]] | None = None) -> None:
    """Write MIDI files, each a transposed part of one of the tunes; None: of random ones, each whole."""
    folder.mkdir()
    cut = tunes is not None
    tunes = tunes or [tune(random.Random(number)) for number in range(TUNES)]
    for number in range(count):
        rng = random.Random(f"file {number}")
        shift, later = rng.randrange(-12, 13), rng.randrange(1, 4 * DIVISION)
        chosen = rng.choice(tunes)
        first = rng.randrange(max(1, len(chosen) - 200)) if cut else 0
        chosen = chosen[first : first + rng.randrange(200, 2000)] if cut else chosen
        later -= chosen[0][0]
        notes = [
            (onset + later, length, pitch + shift, velocity) for onset, length, pitch, velocity in chosen
        ]
        later = notes[0][0]
        notes += [(rng.randrange(later, later + 20_000), 240, rng.randrange(40, 90), 64) for _ in range(4)]
        (folder / f"{number:06}.mid").write_bytes(midi(notes))


def real_tunes(folder: Path) -> list[list[NoteRow]]:
    """Return the notes of each MIDI file below a folder, in order."""
    from etude.formats.any_file import read_piece

    found = []
    for path in sorted(each for each in folder.rglob("*") if each.suffix.lower() in (".mid", ".midi")):
        piece = read_piece(path)
        times = (DIVISION * column // piece.division for column in (piece.onset, piece.duration))
        columns = (*times, piece.pitch.clip(12, 115), piece.velocity)
        found.append([(int(o), max(int(d), 1), int(p), int(v)) for o, d, p, v in zip(*columns, strict=True)])
    return found


def tune(rng: random.Random) -> list[NoteRow]:
    """200 to 2,000 notes, now and then a chord: onset, duration, pitch, velocity."""
    notes: list[NoteRow] = []
    now, pitch, wanted = 0, 60, rng.randrange(200, 2000)
    while len(notes) < wanted:
        length = rng.choice((120, 240, 240, 480, 960))
        pitch = min(84, max(45, pitch + rng.randrange(-5, 6)))
        chord = rng.choice(((0,), (0,), (0,), (0, 4, 7)))
        notes += [(now, length - 10, pitch + step, rng.randrange(40, 110)) for step in chord]
        now += length
    return notes


def midi(notes: list[NoteRow]) -> bytes:
    """A file of format 0, with the sustain pedal down for a bar in eight."""
    events = [(0, b"\xff\x51\x03\x07\xa1\x20")]
    for onset, duration, pitch, velocity in notes:
        events += [(onset, bytes((0x90, pitch, velocity))), (onset + duration, bytes((0x80, pitch, 0)))]
    for bar in range(0, events[-1][0], 8 * 4 * DIVISION):
        events += [(bar, b"\xb0\x40\x7f"), (bar + 4 * DIVISION, b"\xb0\x40\x00")]
    track, now = b"", 0
    for tick, event in sorted(events):
        track += variable(tick - now) + event
        now = tick
    track += b"\x00\xff\x2f\x00"
    header = (0).to_bytes(2, "big") + (1).to_bytes(2, "big") + DIVISION.to_bytes(2, "big")
    return b"MThd\x00\x00\x00\x06" + header + b"MTrk" + len(track).to_bytes(4, "big") + track


def variable(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--music", type=Path)
    chosen = parser.parse_args()
    main(chosen.files, chosen.folder, chosen.music)
