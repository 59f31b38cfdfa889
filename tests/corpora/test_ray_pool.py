"""Preparation on a Ray cluster, with a Ray of one process; a journey has a real one."""

import pickle
import socket
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from etude.addresses import cluster_problem
from etude.corpora import parallel, ray_pool
from etude.corpora.preparation import Corpus, RawFile, prepare
from etude.corpora.ray_pool import RayPool
from etude.encodings import GridEncoding
from etude.errors import EtudeError
from small_work import read_note


class RayError(Exception):
    """An error of Ray itself."""


class RayTaskError(RayError):
    """An error of a task."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause


class FakeRay:
    """Runs tasks in this process; they and their results travel by pickle, as between machines."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self, lost: tuple[int, ...] = ()) -> None:
        self.lost, self.got = lost, 0

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def remote(self, **_: Any) -> Callable[[Callable[..., Any]], Any]:
        return self._task

    def _task(self, function: Callable[..., Any]) -> Any:
        def send(*given: Any) -> bytes:
            _, files = pickle.loads(given[0])
            assert not any(isinstance(file.content, Path) for file in files)  # no other machine may see it
            return pickle.dumps((function, given))

        return SimpleNamespace(remote=send)

    def get(self, reference: bytes) -> Any:
        function, given = pickle.loads(reference)
        self.got += 1
        if self.got in self.lost:
            raise RayError
        try:
            return pickle.loads(pickle.dumps(function(*given)))
        except Exception as error:
            raise RayTaskError(error) from error


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setattr(parallel, "PATIENCE", 0.0)
    monkeypatch.setattr(parallel, "FILES_A_TASK", 1)
    folder = tmp_path / "music"
    folder.mkdir()
    pitches = [60, 64, 0, 67, 72]
    for number, pitch in enumerate(pitches):
        (folder / f"{number}.krn").write_text(str(pitch))

    def files() -> Iterator[RawFile]:
        for number in range(len(pitches) + 1):  # the last one is not there
            yield RawFile(f"{number}.krn", folder / f"{number}.krn")

    return Corpus("toy", files, "sha", read_note, {})


def content(corpus: Corpus, folder: Path, pool: RayPool | None) -> dict[str, bytes]:
    store = prepare(corpus, GridEncoding(), folder, 1.0, lambda: nullcontext(pool))
    return {path.name: path.read_bytes() for path in store.folder.iterdir()}


def test_the_store_is_that_of_one_machine_rejections_included(corpus: Corpus, tmp_path: Path) -> None:
    ray = FakeRay()
    found = content(corpus, tmp_path / "cluster", RayPool(ray))
    assert ray.got == 5
    assert found == content(corpus, tmp_path / "here", None)
    assert found["rejected.json"].count(b"5.krn") == 1


def test_a_list_that_is_lost_again_and_again_ends_the_preparation(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(EtudeError, match=r"lost a process that read 2\.krn or the files after it 4 times"):
        content(corpus, tmp_path, RayPool(FakeRay(lost=(2,))))


def test_an_error_in_a_task_is_raised_as_it_was() -> None:
    with pytest.raises(ZeroDivisionError):
        RayPool(FakeRay()).submit(divide_by_zero, [RawFile("a.krn", b"60")])()


def divide_by_zero(_: RawFile) -> float:
    return 1 / 0


def test_a_node_with_another_version_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    versions = iter(["ours", "theirs"])
    monkeypatch.setattr(ray_pool, "package_sha256", lambda: next(versions))
    with pytest.raises(EtudeError, match=r"another version of Étude.*install the same on all nodes"):
        RayPool(FakeRay()).submit(len, [RawFile("a.krn", b"60")])()


def test_a_node_without_the_users_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    results = RayPool(FakeRay()).submit(read_on_this_node, [RawFile("a.krn", b"60")])
    monkeypatch.delattr(f"{__name__}.read_on_this_node")
    with pytest.raises(EtudeError, match=r"lacks what reads the files.*read_on_this_node"):
        results()


def read_on_this_node(_: RawFile) -> None:
    """Read nothing."""


@pytest.mark.parametrize(
    "address", ["head", "head:", "head:0", "head:65536", "http://head:1", ":6379", 6379, None]
)
def test_another_address_than_host_and_port_is_refused(address: object) -> None:
    assert "HOST:PORT" in cluster_problem(address)
    assert not cluster_problem("head.lab-1:65535")


def test_a_name_that_no_host_can_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_pool, "find_spec", lambda name: name)
    with pytest.raises(EtudeError, match="no Ray cluster answers"), ray_pool.ray_pool("a..b:6379"):
        pass


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_pool, "find_spec", lambda name: name)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        pytest.raises(
            EtudeError, match=rf"no Ray cluster answers at ray=127\.0\.0\.1:{port}.*ray start --head"
        ),
        ray_pool.ray_pool(f"127.0.0.1:{port}"),
    ):
        pass


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_pool, "find_spec", lambda name: None)
    with pytest.raises(EtudeError, match="pip install ray"), ray_pool.ray_pool("localhost:6379"):
        pass
