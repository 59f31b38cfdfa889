"""Shared by all parts of the soak: small commands in processes of their own, and their outcome."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from etude.cli import main
from forked import begin, has_ended
from journey import LIMIT

Line = tuple[str, ...]

PR_SET_PDEATHSIG = 1  # of Linux's prctl
PATIENCE = 600.0  # seconds until a command counts as hanging, on a busy machine
SMALL: Line = (
    *LIMIT, "logger=csv", "model.hidden_dim=8", "model.dropout=0.3", "sampling.forms=[midi]",
    "trainer.max_epochs=3", "callbacks.checkpoint_minutes=0", "callbacks.patience=null",
)  # fmt: skip
TRAIN: Line = ("train", *SMALL)
SWEEP: Line = ("train", "-m", "hydra/launcher=basic", *SMALL, "seed=1,2")
SEARCH: Line = (
    "train", "-m", "hydra/sweeper=optuna", "hydra/launcher=basic", "hydra.sweeper.n_trials=2",
    "hydra.sweeper.seed=2", *SMALL, "optim.lr=1e-3,3e-3",
)  # fmt: skip
PREPARE: Line = ("prepare", "data.max_pieces=60")


class BrokenPromiseError(Exception):
    """A promise that did not hold; ``folder`` has the evidence."""

    def __init__(self, what: str, folder: Path | None = None) -> None:
        super().__init__(what)
        self.folder = folder


class Ground:
    """A folder with a prepared corpus, a finished run and a finished sweep, never to be written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def data(self) -> Path:
        """The prepared corpus."""
        return self.done.parent / "data"

    @cached_property
    def done(self) -> Path:
        """A folder with a run, and the corpus beside it."""
        done, data = self.folder / "done", self.folder / "data"
        if not (self.folder / "trained").is_file():
            shutil.rmtree(done, ignore_errors=True)
            must(done, 0, PREPARE, data=data)
            must(done, 0, TRAIN, data=data)
            (self.folder / "trained").touch()
        return done

    @cached_property
    def run(self) -> str:
        """The run of TRAIN, from its folder's root."""
        [run] = [path for path in self.done.glob("outputs/erk_lstm_copy/*") if "seed" not in path.name]
        return str(run.relative_to(self.done))

    @cached_property
    def sweep(self) -> str:
        """A sweep in the same folder, from its root; made when it is first asked for."""
        if not (self.folder / "swept").is_file():
            must(self.done, 0, SWEEP, data=self.data)
            (self.folder / "swept").touch()
        [sweep] = self.done.glob("outputs/sweeps/*")
        return str(sweep.relative_to(self.done))

    def line(self, verb: str) -> Line:
        """Return what is typed for a verb."""
        lines: dict[str, Line] = {
            "prepare": PREPARE,
            "train": TRAIN,
            "sample": ("sample", f"run={self.run}", "sampling.num_samples=6", "sampling.temperature=1.1"),
            "sweep": SWEEP,
            "search": SEARCH,
            "rerun": ("rerun", self.run),
            "export": ("export", self.run, "packed.zip"),
        }
        return lines[verb]

    def lay_out(self, folder: Path, verb: str) -> Path:
        """Make a folder with what the line of a verb finds; return the data folder that it uses."""
        folder.mkdir(parents=True, exist_ok=True)
        if verb in ("sample", "rerun", "export"):
            shutil.copytree(self.done / self.run, folder / self.run)
        if verb != "prepare":
            return self.data
        kept = shutil.ignore_patterns("store")
        return Path(shutil.copytree(self.data, folder / "data", ignore=kept))


def type_in(folder: Path, *lines: Line, data: Path, first: Callable[[], None] = lambda: None) -> int:
    """Type lines one after the other in a new process; return its id. Their exit codes are in ``codes``."""

    def prepared() -> None:
        die_with_parent()
        os.environ["ETUDE_DATA_DIR"] = str(data)
        first()
        for line in lines[:-1]:
            note_code(folder, main(line))

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "codes").write_text("")
    return begin(folder, *lines[-1], first=prepared)


def die_with_parent() -> None:
    """Have the system kill this process when its parent ends, as a round that is stopped does."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def note_code(folder: Path, code: int) -> None:
    with (folder / "codes").open("a") as file:
        file.write(f"{code} ")


def wait(child: int, folder: Path, what: str) -> int:
    """Wait for a process; return its exit code. BrokenPromiseError if it hangs."""
    deadline = time.monotonic() + PATIENCE
    while not has_ended(child):
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise BrokenPromiseError(f"{what} hangs", folder)
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def must(folder: Path, codes: int | Sequence[int], *lines: Line, data: Path) -> list[int]:
    """Type lines; return their exit codes. BrokenPromiseError for another code, or for a traceback."""
    code = wait(type_in(folder, *lines, data=data), folder, " ".join(lines[-1]))
    found = [*map(int, (folder / "codes").read_text().split()), code]
    check_said(folder, found, codes, lines)
    return found


def check_said(folder: Path, found: Sequence[int], codes: int | Sequence[int], lines: Sequence[Line]) -> None:
    wanted = (codes,) if isinstance(codes, int) else codes
    said = (folder / "said.txt").read_text(errors="replace")
    words = " ; ".join(" ".join(line) for line in lines)
    # Python drops a Ctrl-C that comes within a destructor or a callback of its own, and says so
    if "Traceback" in re.sub(r"Exception ignored in.*?\nKeyboardInterrupt:? *\n", "", said, flags=re.DOTALL):
        raise BrokenPromiseError(f"{words}: a traceback", folder)
    if not set(found) <= set(wanted) or len(found) != len(lines):
        raise BrokenPromiseError(f"{words}: exit codes {found}; {' '.join(said.split())[-300:]}", folder)


def outcome(folder: Path) -> dict[str, bytes]:
    """Return the files to compare bit for bit: weights, optimizer, metrics, samples, stores, packed runs."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".ckpt" and path.stem in ("best", "last"):
            found |= {f"{name}/{key}": value for key, value in _tensors(path)}
        elif path.name == "metrics.csv" or path.name.endswith((".tokens.txt", ".npy", ".zip")):
            found[name] = path.read_bytes()
    return found


def _tensors(path: Path) -> Iterator[tuple[str, bytes]]:
    content: dict[str, Any] = torch.load(path, weights_only=True)
    for key, tensor in content["state_dict"].items():
        yield key, tensor.numpy().tobytes()
    for number, state in content["optimizer_states"][0]["state"].items():
        for key, tensor in state.items():
            yield f"optimizer/{number}/{key}", tensor.numpy().tobytes()


def check_same(folder: Path, found: dict[str, bytes], wanted: dict[str, bytes], what: str) -> None:
    unlike = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    if unlike:
        raise BrokenPromiseError(f"{what}: {len(unlike)} of {len(wanted)} differ, as {unlike[0]}", folder)
