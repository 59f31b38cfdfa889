"""Calls of music21 in a process of its own: a file on which it hangs or dies costs that file alone.

Use ``call``. The process is started at the first call, serves all calls of its parent, and is
started anew after it has died.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import IO, ParamSpec, TypeVar

from etude.errors import ReadError
from etude.processes import end_with_parent

SECONDS = 60  # of CPU time for a call: whatever else the machine does, the same files are read
MEMORY = 3 * 2**30  # bytes of address space; music21 and what it imports take one GiB

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def call(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Return ``function(*arguments)``, called in the other process; all three must be picklable.

    Raise what it raises, and ReadError if it takes longer than SECONDS or ends the process.
    """
    process = _Process.running()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        pickle.dump((function, arguments, named), process.stdin)
        process.stdin.flush()
        worked, result = pickle.load(process.stdout)
    except (EOFError, OSError, pickle.UnpicklingError):
        raise _error(_Process.end()) from None
    except BaseException:  # an interrupt: the answer to this call must not become that of the next
        _Process.end(kill=True)
        raise
    if not worked:
        raise result
    return result  # type: ignore[no-any-return]


class _Process:
    """The process that serves this one; a forked copy of this one starts its own."""

    _process: subprocess.Popen[bytes] | None = None
    _parent = 0

    @classmethod
    def running(cls) -> subprocess.Popen[bytes]:
        if cls._process is None or cls._parent != os.getpid():
            command = [sys.executable, "-m", "etude.formats.music21_child", str(os.getpid()), str(SECONDS)]
            pipe = subprocess.PIPE
            cls._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
            cls._parent = os.getpid()
            atexit.register(cls.end)
        return cls._process

    @classmethod
    def end(cls, *, kill: bool = False) -> int:
        """Have the process end, or kill it; return its exit code, negative if a signal ended it."""
        process, cls._process = cls._process, None
        atexit.unregister(cls.end)
        if process is None or cls._parent != os.getpid():
            return 0
        if kill:
            process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        return process.wait()


def _error(code: int) -> ReadError:
    if code == -signal.SIGPROF:
        return ReadError(f"music21 needs more than {SECONDS} s for it")
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return ReadError(f"music21 ended on it ({how}), perhaps because memory ran out")


def _serve(calls: IO[bytes], results: IO[bytes], seconds: float) -> None:
    """Answer calls until the parent closes the pipe; a call that takes too long ends the process."""
    while True:
        try:
            function, arguments, named = pickle.load(calls)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            answer = True, function(*arguments, **named)
        except Exception as error:
            answer = False, error
        pickle.dump(answer, results)
        results.flush()


def _limit_memory() -> None:
    try:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        least = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
        resource.setrlimit(resource.RLIMIT_AS, (least, most))
    except (ImportError, ValueError, OSError):  # a system without such a limit
        return


def main() -> None:
    """Serve a process: its number, and the seconds of a call, are the arguments."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    end_with_parent(pid=int(sys.argv[1]))
    _limit_memory()
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what music21 prints is no answer
    _serve(sys.stdin.buffer, results, float(sys.argv[2]))


if __name__ == "__main__":
    main()
