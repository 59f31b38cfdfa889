"""Reading of files on a Ray cluster: each list of files is a Ray task."""

from __future__ import annotations

import hashlib
import pickle
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from etude.corpora.parallel import work_all
from etude.corpora.preparation import RawFile
from etude.errors import EtudeError

Result = TypeVar("Result")

RETRIES = 3  # of a list whose process or machine was lost
PATIENCE = 5.0  # seconds to wait for an answer; Ray itself waits for two minutes
QUIET = 50  # level of the log messages that Ray shows here


class RayPool:
    """The cores of a Ray cluster; :func:`ray_pool` connects with it.

    The files travel to the tasks with their content, so no machine but this one needs to see them.
    """

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._task = ray.remote(num_cpus=1, max_retries=RETRIES)(_work)

    @property
    def cores(self) -> int:
        """Number of cores that the cluster has now; nodes come and go."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def submit(self, work: Callable[[RawFile], Result], items: list[RawFile]) -> Callable[[], list[Result]]:
        """Hand a list to a task; EtudeError, once the results are wanted, if it was lost too often."""
        sent = pickle.dumps((work, [file.loaded() for file in items]))
        reference = self._task.remote(sent, sys.path, package_sha256())

        def results() -> list[Result]:
            try:
                found: list[Result] = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except self._ray.exceptions.RayError as error:
                raise EtudeError(
                    f"the Ray cluster lost a process that read {items[0].name} or the files after it "
                    f"{RETRIES + 1} times, perhaps because memory ran out ({type(error).__name__})"
                ) from error
            return found

        return results


@contextmanager
def ray_pool(address: str) -> Iterator[RayPool]:
    """Connect with the Ray cluster at HOST:PORT; EtudeError if there is none, or Ray is not installed."""
    if find_spec("ray") is None:
        raise EtudeError("ray=… needs a package that is not installed: pip install ray")
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, UnicodeError) as error:  # the latter: a name that cannot be a host's
        raise EtudeError(
            f"no Ray cluster answers at ray={address} ({error}). To start one: ray start --head --port={port}"
        ) from error
    import ray

    before = signal.getsignal(signal.SIGTERM)  # which Ray replaces
    try:
        ray.init(address, log_to_driver=False, logging_level=QUIET)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise EtudeError(f"ray={address}: {error}") from error
    finally:
        signal.signal(signal.SIGTERM, before)
    try:
        yield RayPool(ray)
    finally:
        ray.shutdown()  # ends the tasks that nobody waits for


def _work(sent: bytes, path: list[str], sha256: str) -> list[Any]:
    """Work on a list of files, on a node of the cluster; ``path``: where modules are looked for."""
    node = f"the node {socket.gethostname()} of the Ray cluster"
    if package_sha256() != sha256:
        raise EtudeError(
            f"{node} has another version of Étude, which could make other tokens; install the same on all "
            "nodes, and start Ray anew"
        )
    sys.path += [each for each in path if each not in sys.path]
    try:
        work, files = pickle.loads(sent)
    except (ImportError, AttributeError) as error:
        raise EtudeError(f"{node} lacks what reads the files: {error}; install the same there") from error
    return work_all(work, files)


@cache
def package_sha256() -> str:
    """Return the hash of Étude's source files."""
    root = Path(__file__).parents[1]
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        whole.update(f"{path.relative_to(root).as_posix()} ".encode() + path.read_bytes())
    return whole.hexdigest()
