"""Preparation on a Ray of two nodes, of which one is killed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from etude.corpora import parallel
from etude.corpora.preparation import Corpus, RawFile, prepare
from etude.corpora.ray_pool import ray_pool
from etude.encodings import GridEncoding
from etude.formats.base import ReadResult
from small_work import read_note

FILES = 40


def read_on_two_nodes(data: bytes, name: str, *, second: str, begun: Path) -> ReadResult:
    """Read a note; the second node stays at its second file, and the first waits until it is there."""
    import ray

    if ray.is_initialized() and name != "0.krn":
        if ray.get_runtime_context().get_node_id() == second:
            (begun / name).touch()
            wait_until(lambda: number_of(begun) != 2)
        else:
            wait_until(lambda: number_of(begun) == 2)
    return read_note(data, name)


def number_of(folder: Path) -> int:
    return len(list(folder.iterdir()))


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.02)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run a head of one core."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # else all other work on this machine goes first
    small = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
    found = Cluster(initialize_head=True, head_node_args=small)
    yield found
    found.shutdown()


@pytest.mark.soak
def test_a_killed_node_costs_only_its_files(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "PATIENCE", 0.0)
    monkeypatch.setattr(parallel, "FILES_A_TASK", 1)
    second, begun = cluster.add_node(num_cpus=1, object_store_memory=80_000_000), tmp_path / "begun"
    begun.mkdir()

    def kill_the_second() -> None:
        wait_until(lambda: number_of(begun) == 2)
        cluster.remove_node(second, allow_graceful=False)  # by SIGKILL

    def files() -> Iterator[RawFile]:
        return (RawFile(f"{number}.krn", str(40 + number).encode()) for number in range(FILES))

    def content(folder: str, pool: Any) -> dict[str, bytes]:
        store = prepare(corpus, GridEncoding(), tmp_path / folder, 0.0, pool)
        assert len(store) == FILES
        return {path.name: path.read_bytes() for path in store.folder.iterdir()}

    read = partial(read_on_two_nodes, second=second.node_id, begun=begun)
    corpus = Corpus("toy", files, "sha", read, {})
    killer = threading.Thread(target=kill_the_second, daemon=True)
    killer.start()
    on_ray = content("cluster", partial(ray_pool, cluster.address))
    killer.join()
    assert number_of(begun) == 2
    assert on_ray == content("here", nullcontext)
