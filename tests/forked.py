"""Commands in processes of their own, forked from this one, which has imported everything."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NoReturn

import pytest
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

import etude.commands.train
import etude.corpora.erk
import etude.models.lstm_copy
import etude.rendering.engraving
import etude.reports.run_page  # noqa: F401  before the first fork
from etude.cli import VERBS, main
from etude.config.fields import from_plain
from etude.config.resolved import ResolvedConfig
from etude.processes import end_with_parent
from etude.reports import pages
from etude.runs.folder import RunFolder
from etude.sweeps import pool
from etude.training import workers
from etude.training.settings import TrainSettings
from etude.training.worker import help_to_train
from journey import Said
from shared_checkout import state_of_this_checkout
from shared_compositions import warm, warm_usual


def begin(
    folder: Path,
    *line: str,
    first: Callable[[], None] = lambda: None,
    run: Callable[[tuple[str, ...]], int] = main,
) -> int:
    """Type ``etude …`` in a process of its own, which calls ``first`` beforehand; return its id.

    ``run`` is called with the line. The process leads a process group and writes its output to said.txt.
    """
    folder.mkdir(exist_ok=True)
    if line[:1] == ("train",):
        warm(line[1:])
        _compile_pages()
        state_of_this_checkout()
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
            code = run(line)
            said.flush()
        os._exit(code)
    finally:
        os._exit(99)


@cache
def _compile_pages() -> None:
    """Compile the templates of a run's page in this process, for the processes that it forks."""
    for name in ("run.html", "base.html", "parts.html"):
        pages._environment().get_template(name)


def say(folder: Path, *line: str, **environment: str) -> Said:
    """Type ``etude …`` in a process of its own and wait for it."""
    if line and line[0] in VERBS:
        warm_usual(line[0])
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
        code = alone(line)
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class _Helper(get_context("fork").Process):
    """A forked process that is waited for and ended as one of ``subprocess`` is."""

    @property
    def returncode(self) -> int | None:
        return self.exitcode

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self, timeout: float | None = None) -> None:
        self.join(timeout)


def fork_helpers() -> None:
    """Have the helpers of a training on several devices forked, not started, which takes seconds."""
    workers._helper = _forked_helper  # type: ignore[assignment]


@pytest.fixture(scope="module", autouse=True)
def forked_jobs() -> Iterator[None]:
    """Fork the jobs of a sweep from this process, in modules that import this fixture.

    A server for them would import everything anew; tests/sweeps has one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "_context", lambda preload: get_context("fork"))
        yield


def _forked_helper(run: RunFolder, config: ResolvedConfig, rank: int) -> _Helper:
    parent = os.getpid()

    def help_the_parent() -> None:
        end_with_parent(pid=parent)
        os.environ["LOCAL_RANK"] = str(rank)
        try:
            help_to_train(run, from_plain(TrainSettings, config.as_dict()), LightningEnvironment(), rank)
        finally:
            workers.close_process_group()

    helper = _Helper(target=help_the_parent)
    helper.start()
    return helper


def forked_submission(folder: Path, **_: Any) -> _Helper:
    """Fork a job of submitit's local executor, which would start Python twice for it."""

    def run_the_job() -> None:
        own = {
            "JOB_ID": os.getpid(),
            "NTASKS": 1,
            "JOB_NUM_NODES": 1,
            "NODEID": 0,
            "GLOBALID": 0,
            "LOCALID": 0,
        }
        os.environ.update({f"SUBMITIT_LOCAL_{name}": str(value) for name, value in own.items()})
        os.environ["SUBMITIT_EXECUTOR"] = "local"
        process_job(folder)

    from submitit.core.submission import process_job

    helper = _Helper(target=run_the_job)
    helper.start()
    return helper


def alone(line: tuple[str, ...]) -> int:
    """Run ``etude …`` as a shell's process does, with the interrupts and streams of its own."""
    sys.argv = ["etude", *line]
    return main()


def typed(line: tuple[str, ...]) -> int:
    """Become the process of ``python -m etude …``, which imports everything anew."""
    os.execv(sys.executable, [sys.executable, "-m", "etude", *line])


def torchrun(line: tuple[str, ...]) -> int:
    """Type ``etude …`` as ``torchrun --standalone --nproc-per-node 2`` does, in processes that are forked."""
    started = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=2, run_id="two", rdzv_backend="c10d",
        rdzv_endpoint="localhost:0", max_restarts=0, start_method="fork",
    )  # fmt: skip
    codes = elastic_launch(started, main)(line)
    return max(codes.values())


def end(child: int) -> int:
    """Wait for a process; return its exit code, negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def has_ended(child: int) -> bool:
    """Whether a process has ended; ``end`` still gives its exit code."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def wait_until(condition: Callable[[], object], child: int | None = None) -> float:
    """Wait until a condition holds or the child has ended; return the time then. It fails after 200 s."""
    deadline = time.monotonic() + 200
    while not condition() and (child is None or not has_ended(child)):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return time.monotonic()


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
