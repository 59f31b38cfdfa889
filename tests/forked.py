"""Commands in processes of their own, forked from this one, which has imported everything."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NoReturn

import etude.commands.train  # noqa: F401  before the first fork
from etude.cli import main
from journey import Said
from shared_compositions import warm


def begin(folder: Path, *line: str, first: Callable[[], None] = lambda: None) -> int:
    """Type ``etude …`` in a process of its own, which calls ``first`` beforehand; return its id.

    It leads a process group and writes its output to said.txt.
    """
    folder.mkdir(exist_ok=True)
    if line[:1] == ("train",):
        warm(line[1:])
    if child := os.fork():
        return child
    try:
        os.setsid()
        os.chdir(folder)
        with (folder / "said.txt").open("w") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sys.stdout = sys.stderr = said
            first()
            code = main(line)
            said.flush()
        os._exit(code)
    finally:
        os._exit(99)


def say(folder: Path, *line: str, **environment: str) -> Said:
    """Type ``etude …`` in a process of its own and wait for it."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        if not (child := os.fork()):
            _become(folder, line, environment, out.fileno(), err.fileno())
        code = end(child)
        out.seek(0)
        err.seek(0)
        return Said(code, out.read(), err.read())


def _become(folder: Path, line: tuple[str, ...], environment: dict[str, str], out: int, err: int) -> NoReturn:
    """Be the process that a shell would start: its own streams and arguments, and its exit code."""
    code = 1
    try:
        os.chdir(folder)
        os.environ.update(environment)
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        sys.argv = ["etude", *line]
        code = main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def end(child: int) -> int:
    """Wait for a process; return its exit code, negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def has_ended(child: int) -> bool:
    """Whether a process has ended; ``end`` still gives its exit code."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def at(target: str, call: int, number: int = signal.SIGKILL) -> Callable[[], None]:
    """Have the process send itself a signal when ``target`` is called for the ``call``-th time."""

    def patch() -> None:
        owner, _, name = target.rpartition(".")
        place, calls = resolve_name(owner), [0]
        original = getattr(place, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            calls[0] += 1
            if calls[0] == call:
                os.kill(os.getpid(), number)
            return original(*args, **kwargs)

        setattr(place, name, counted)

    return patch
