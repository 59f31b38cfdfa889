"""Measure `etude prepare` on 10,000 MIDI files: files per second on one core and on all, memory, warm start.

    python benchmarks/many_files.py [--files 10000] [--folder FOLDER] [--music FOLDER]

The benchmark writes the files: 200 to 2,000 notes each, with velocities, chords and some sustain pedal,
all different. ``--music``: a folder of MIDI files that they are cut from and transposed; else they are
random. Each row is a real ``etude prepare data=midi_folder``. Seconds count from start to end, so they
include the imports, which the first row shows alone. Memory is the parent's. "killed": a preparation that
gets SIGKILL in the middle, and what the next one takes. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from machine import heading, print_table, status_kib

NoteRow = tuple[int, int, int, int]  # onset, duration, pitch, velocity

TUNES = 40  # the files are variants of these
DIVISION = 480
RUN = """
import os, sys
from etude.cli import main
os.sched_setaffinity(0, map(int, sys.argv[1].split(",")))
sys.exit(main(sys.argv[2:]))
"""


class Took(NamedTuple):
    seconds: float
    peak_mib: float  # all resident memory
    own_mib: float  # of it, not backed by a file (sampled)


def main(files: int, folder: Path, originals: Path | None) -> None:
    print(heading(f"etude prepare data=midi_folder: {files:,} files"))
    scratch = Path(tempfile.mkdtemp(dir=folder, prefix="many-files-"))
    try:
        started = time.perf_counter()
        write_files(scratch / "music", files, real_tunes(originals) if originals else None)
        few = scratch / "few"
        few.mkdir()
        for path in sorted((scratch / "music").iterdir())[: files // 10]:
            os.link(path, few / path.name)
        size = sum(path.stat().st_size for path in (scratch / "music").iterdir())
        print(f"wrote {size / 2**20:.0f} MiB in {time.perf_counter() - started:.0f} s\n")
        cores = sorted(os.sched_getaffinity(0))
        imports = run(["--cfg", "job"], cores, scratch)
        one = prepare(scratch, "music", "one", cores[:1])
        every = prepare(scratch, "music", "every", cores)
        tenth = prepare(scratch, "few", "few", cores)
        warm = prepare(scratch, "music", "every", cores)
        half = prepare(scratch, "music", "killed", cores, kill_after=every.seconds / 2)
        rest = prepare(scratch, "music", "killed", cores)
        rows = [["", "seconds", "files/s", "ratio", "peak (MiB)", "own (MiB)"]]
        for label, count, took in (
            ("imports and configuration", 0, imports),
            (f"{files // 10:,} files, cold, {len(cores)} cores", files // 10, tenth),
            (f"{files:,} files, cold, 1 core", files, one),
            (f"{files:,} files, cold, {len(cores)} cores", files, every),
            (f"{files:,} files, warm", files, warm),
            ("killed in the middle", 0, half),
            ("continued after it", 0, rest),
        ):
            speed = f"{count / took.seconds:,.0f}" if count else ""
            ratio = f"{one.seconds / took.seconds:.2f} ×" if count == files else ""
            rows.append(
                [label, f"{took.seconds:.1f}", speed, ratio, f"{took.peak_mib:.0f}", f"{took.own_mib:.0f}"]
            )
        print_table(rows)
        print(
            f"\nmemory of its own, {files:,} files against {files // 10:,}: "
            f"{every.own_mib - tenth.own_mib:+.1f} MiB"
        )
        warm_start(scratch)
    finally:
        shutil.rmtree(scratch)


def prepare(scratch: Path, music: str, data: str, cores: list[int], kill_after: float | None = None) -> Took:
    arguments = ["data=midi_folder", f"data.path={scratch / music}", f"data.data_dir={scratch / data}"]
    return run(arguments, cores, scratch, kill_after)


def run(arguments: list[str], cores: list[int], scratch: Path, kill_after: float | None = None) -> Took:
    """Run ``etude prepare`` on these cores and watch its memory; kill it after so many seconds."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, ",".join(map(str, cores)), "prepare", *arguments],
        cwd=scratch,
        stdout=subprocess.DEVNULL,
    )
    peak = own = 0
    while process.poll() is None:
        try:
            peak = max(peak, status_kib("VmHWM", process.pid))
            own = max(own, status_kib("RssAnon", process.pid))
        except (FileNotFoundError, ProcessLookupError):
            break
        if kill_after is not None and time.perf_counter() - started > kill_after:
            process.kill()
        time.sleep(0.02)
    if process.wait() and kill_after is None:
        raise SystemExit(f"etude prepare {' '.join(arguments)} failed")
    return Took(time.perf_counter() - started, peak / 1024, own / 1024)


def warm_start(scratch: Path) -> None:
    """Print the time of each part of a warm start in this process; the median of five."""
    from statistics import median

    from etude.corpora.folders import READERS, _names, _remembered_sha256
    from etude.corpora.store import open_store

    music, data = scratch / "music", scratch / "every" / "store"
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
