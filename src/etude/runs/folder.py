"""A run's folder: where everything about one training lies."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from etude.errors import EtudeError
from etude.files import atomic_write


class RunFolder:
    """Names of the files of a run, and its status.

    ``status.json`` holds ``state`` (running, done or failed) and what belongs to it; ``results.json`` the
    figures of a finished run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.manifest = path / "manifest.json"
        self.metrics = path / "metrics.csv"
        self.checkpoints = path / "checkpoints"
        self.samples = path / "samples"
        self.log = path / "train.log"

    @property
    def state(self) -> str:
        """The state of the run; "new" if it has none."""
        return str(self._read("status.json").get("state", "new"))

    @property
    def signature(self) -> str:
        """The signature in the manifest; "" if there is none."""
        return str(self._read("manifest.json").get("signature", ""))

    @property
    def is_done(self) -> bool:
        """Whether the training has ended and all that it promises is there."""
        return self.state == "done" and bool(self.results) and (self.checkpoints / "best.ckpt").is_file()

    @property
    def results(self) -> dict[str, Any]:
        """The figures of a finished run, as :meth:`finish` was given them."""
        return self._read("results.json")

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a file of plain values, whole or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        atomic_write(self.path / name, text.encode())

    def finish(self, results: dict[str, Any]) -> None:
        """Keep the results and mark the run as done."""
        self.write_json("results.json", results)
        self.write_status("done")

    def write_status(self, state: str, **details: Any) -> None:
        """Write the state, with host, process and time."""
        who = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        self.write_json("status.json", {"state": state, **who, **details})

    def checkpoint(self, which: str) -> Path:
        """Return the checkpoint ``best`` or ``last``; EtudeError if the run has none."""
        path = self.checkpoints / f"{which}.ckpt"
        if path.is_file():
            return path
        if not self.path.is_dir():
            raise EtudeError(f"there is no run folder {self.path}; etude train prints the one it makes")
        raise EtudeError(f"the run {self.path} (state: {self.state}) has no checkpoint {path.name}")

    @contextmanager
    def training(self) -> Iterator[None]:
        """Hold the run for this process: running inside, interrupted or failed after an error.

        What an attempt before has left is removed, but for its log. EtudeError if another process holds the
        run, or has just finished it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise EtudeError(
                f"another process is training {self.path}; wait for it, or make a second copy with label=…"
            ) from None
        try:
            if self.is_done:
                raise EtudeError(
                    f"another process has just trained {self.path}; type the same again to see it"
                )
            self._clear()
            self.write_status("running")
            yield
        except EtudeError as error:
            if not self.is_done:
                self.write_status("failed", error=str(error))
            raise
        except KeyboardInterrupt:
            self.write_status("interrupted")
            raise
        except BaseException as error:
            self.write_status("failed", error=f"{type(error).__name__}: {error}")
            raise
        finally:
            lock.release()

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return content

    def _clear(self) -> None:
        for name in ("checkpoints", "samples", "tensorboard"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in ("results.json", "metrics.csv", "loss.png", "accuracy.png"):
            (self.path / name).unlink(missing_ok=True)
