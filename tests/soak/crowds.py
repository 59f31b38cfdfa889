"""Disks that are full at a random write, and many processes that want the same at once."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from random import Random

from etude.cli import main
from soak.ground import (
    PREPARE,
    TRAIN,
    BrokenPromiseError,
    Ground,
    Line,
    check_said,
    check_same,
    must,
    note_code,
    outcome,
    type_in,
    wait,
)

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
VERBS = ("prepare", "train", "sample", "export")
MANY = 16


def can_mount() -> bool:
    """Return whether this machine lets us have a small file system of our own."""
    child = os.fork()
    if not child:
        try:
            small_disk(Path.cwd())
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def small_disk(folder: Path, kilobytes: int = 2**20) -> None:
    """Mount a file system on a folder, for this process and its children alone."""
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS | (CLONE_NEWUSER if user else 0)):
        raise OSError(ctypes.get_errno(), "unshare")
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True, capture_output=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def resize(folder: Path, kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(folder)], check=True)


class FullDisks:
    """Rounds of one verb on a file system with room for a random part of what it writes."""

    def __init__(self, ground: Ground, verb: str) -> None:
        self._ground, self.verb = ground, verb

    def round(self, folder: Path, rng: Random) -> Counter[str]:
        ground, line = self._ground, self._ground.line(self.verb)
        calm, small, out = (folder / name for name in ("calm", "small", "out"))
        data = ground.lay_out(calm, self.verb)
        before = _kilobytes(calm)
        must(calm, 0, line, data=data)
        room = rng.randrange(max(4, _kilobytes(calm) - before))
        small.mkdir()

        def first() -> None:
            small_disk(small)
            os.environ["ETUDE_DATA_DIR"] = str(ground.lay_out(small, self.verb))
            resize(small, _used(small) + room)
            os.chdir(small)
            note_code(out, main(line))
            resize(small, 2**20)
            note_code(out, main(line))
            shutil.copytree(small, out / "result")

        child = type_in(out, ("--version",), data=ground.data, first=first)
        code = wait(child, out, f"{self.verb} on a full disk")
        codes = [*map(int, (out / "codes").read_text().split())]
        said = (out / "said.txt").read_text()
        check_said(out, [*codes[:1], code], (0, 2), [line, line])
        if codes[1:] != [0] or (codes[0] and "make room" not in said):
            raise BrokenPromiseError(f"{self.verb} with room for {room} kB: {codes}, {said[-300:]}", folder)
        check_same(folder, outcome(out / "result"), outcome(calm), f"{self.verb} with room for {room} kB")
        return Counter({f"{self.verb} on a disk that was {'full' if codes[0] else 'large enough'}": 1})


class Crowd:
    """Rounds of many processes that type the same line at once."""

    def __init__(self, ground: Ground, many: int = MANY) -> None:
        self._ground, self._many = ground, many

    def round(self, folder: Path, rng: Random) -> Counter[str]:
        where = f"outputs_dir={folder / 'all' / 'outputs'}"
        lines: list[Line] = [
            (*TRAIN, where, "on_running=wait") if rng.random() < 0.7 else PREPARE for _ in range(self._many)
        ]
        lines[0] = (*TRAIN, where, "on_running=wait")
        data = shutil.copytree(self._ground.data, folder / "data", ignore=shutil.ignore_patterns("store"))
        children = [type_in(folder / str(n), line, data=data) for n, line in enumerate(lines)]
        codes = [wait(child, folder / str(n), "one of many") for n, child in enumerate(children)]
        for number, (line, code) in enumerate(zip(lines, codes, strict=True)):
            check_said(folder / str(number), [code], 0, [line])
        wanted = {
            name: value
            for name, value in outcome(self._ground.done).items()
            if name.startswith(self._ground.run)
        }
        check_same(folder, outcome(folder / "all"), wanted, f"{self._many} at once")
        return Counter({f"{self._many} processes": 1})


def _used(folder: Path) -> int:
    room = os.statvfs(folder)
    return (room.f_blocks - room.f_bfree) * room.f_frsize // 1024


def _kilobytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 1024
