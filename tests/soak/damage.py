"""Every file of a store, a run and a sweep damaged in six ways: noticed, or made whole; never a traceback."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from soak.ground import SWEEP, TRAIN, BrokenPromiseError, Ground, Line, check_same, must, outcome

WAYS: dict[str, Callable[[bytes, Random], bytes | None]] = {
    "emptied": lambda data, rng: b"",
    "cut": lambda data, rng: data[: rng.randrange(len(data))],
    "longer": lambda data, rng: data + rng.randbytes(rng.randint(1, 99)),
    "zeroed": lambda data, rng: bytes(len(data)),
    "a bit": lambda data, rng: _flipped(data, rng.randrange(8 * len(data))),
    "gone": lambda data, rng: None,
}
LEFT_OUT = (".lock", "said.txt", "codes", "job.log")
ANY = (0, 1, 2)


class Damage:
    """Rounds of one place (store, run, sweep); each takes the next file and way."""

    def __init__(self, ground: Ground, place: str) -> None:
        self._ground, self.place = ground, place

    def cases(self) -> list[tuple[Path, str]]:
        """Every file, from the folder's root, with every way."""
        root = self._root()
        files = sorted(path.relative_to(root) for path in self._inside().rglob("*") if path.is_file())
        return [(file, way) for file in files if file.name not in LEFT_OUT for way in WAYS]

    def round(self, folder: Path, rng: Random, number: int) -> Counter[str]:
        cases = self.cases()
        file, way = cases[number % len(cases)]
        root = Path(shutil.copytree(self._root(), folder / "damaged", symlinks=True))
        if not (content := (root / file).read_bytes()):
            return Counter({f"{self.place} empty": 1})
        damaged = WAYS[way](content, rng)
        (root / file).unlink() if damaged is None else (root / file).write_bytes(damaged)
        try:
            getattr(self, f"_check_{self.place}")(root, file)
        except BrokenPromiseError as broken:
            raise BrokenPromiseError(f"{file} {way}: {broken}", folder) from None
        return Counter({f"{self.place} {way}": 1})

    def _check_store(self, root: Path, file: Path) -> None:
        if must(root.parent / "work", (0, 2), TRAIN, data=root) == [0]:
            found, wanted = outcome(root.parent / "work"), outcome(self._ground.done)
            check_same(root, found, {name: wanted[name] for name in found}, "trained on a damaged store")

    def _check_run(self, root: Path, file: Path) -> None:
        run = self._ground.run
        known = json.loads((self._ground.done / run / "checksums.json").read_text())["files"]
        codes = must(root, ANY, ("runs",), ("verify", run), ("export", run, "packed.zip"), ("diff", run, run),
                     data=self._ground.data)  # fmt: skip
        if str(file.relative_to(run)) in known and codes[1] == 0:
            raise BrokenPromiseError("etude verify notices nothing")
        must(root, ANY, TRAIN, data=self._ground.data)

    def _check_sweep(self, root: Path, file: Path) -> None:
        report: Line = ("sweep-report", self._ground.sweep)
        if must(root, ANY, ("runs",), report, SWEEP, data=self._ground.data)[-1] == 0:
            found, wanted = outcome(root), outcome(self._ground.done)
            check_same(root, found, wanted, "the sweep after damage")

    def _root(self) -> Path:
        return self._ground.data if self.place == "store" else self._ground.done

    def _inside(self) -> Path:
        inside = {"store": "store", "run": self._ground.run, "sweep": self._ground.sweep}
        return self._root() / inside[self.place]


def _flipped(data: bytes, bit: int) -> bytes:
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]
