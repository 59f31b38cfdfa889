"""The index of runs: the same answers as from the files, whatever changed, and never a traceback."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.runs import catalogue, index
from etude.runs.catalogue import Entry, entries, remember
from etude.runs.folder import RunFolder
from etude.runs.index import plain_object
from run_folders import made_up

KEYS = ("state", "folder", "started", "commit", "corpus", "signature", "minutes", "test/nats",
        "model.hidden_dim", "seed")  # fmt: skip
CHANGES = st.sampled_from(("make", "change", "damage", "unfinish", "remove", "rename", "list"))
_ticks = itertools.count(1)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs are indexed at once; in use a file must be two seconds old."""
    with monkeypatch.context() as patch:
        patch.setattr(index, "SETTLED", 0)
        yield


def answers(outputs: Path) -> list[tuple[object, ...]]:
    return [(run.path, *map(run.value, KEYS), tuple(run.problems)) for run in entries(outputs)]


def listed(outputs: Path) -> list[Entry]:
    known = entries(outputs)
    remember(outputs, known)
    return known


def touch(run: Path) -> None:
    """Give the files times of their own, so that a change within one tick of the clock is one."""
    when = 10**18 + next(_ticks)
    for path in run.rglob("*"):
        os.utime(path, ns=(when, when))


def change(outputs: Path, kind: str, place: int, value: int) -> None:
    run = outputs / "erk_lstm" / f"run_{place:08x}"
    if kind == "make":
        shutil.rmtree(run, ignore_errors=True)
        made_up(outputs, f"erk_lstm/{run.name}", nats=value / 7, seed=value)
    elif not run.exists():
        return
    elif kind == "change":
        made_up(outputs, f"erk_lstm/{run.name}", nats=value / 3, model__hidden_dim=value)
    elif kind == "damage":
        (run / ("config.yaml", "manifest.json", "results.json")[value % 3]).write_text("{")
    elif kind == "unfinish":
        (run / "checkpoints" / "best.ckpt").unlink(missing_ok=True)
    elif kind == "remove":
        shutil.rmtree(run)
    elif kind == "rename":
        shutil.rmtree(target := run.with_name(f"renamed_{place:08x}"), ignore_errors=True)
        run.rename(target)
    if run.exists():
        touch(run)


@pytest.mark.usefixtures("settled")
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(CHANGES, st.integers(0, 3), st.integers(1, 9)), min_size=4, max_size=16))
def test_an_index_gives_the_answers_of_the_files(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, int]]
) -> None:
    outputs = tmp_path_factory.mktemp("outputs")
    for kind, place, value in changes:
        change(outputs, kind, place, value)
        if kind == "list":
            listed(outputs)
        with_index = answers(outputs)
        kept = (outputs / index.NAME).read_bytes() if (outputs / index.NAME).exists() else b""
        (outputs / index.NAME).unlink(missing_ok=True)
        assert with_index == answers(outputs)
        if kept:
            (outputs / index.NAME).write_bytes(kept)


@pytest.mark.usefixtures("settled")
def test_an_index_replaced_between_two_looks_is_not_mixed_with_the_new_one(tmp_path: Path) -> None:
    made_up(tmp_path, "erk_lstm/run_00000000", seed=1)
    listed(tmp_path)
    [run] = entries(tmp_path)  # its row is read, its config not yet
    made_up(tmp_path, "erk_lstm/run_0000000", seed=2)
    listed(tmp_path)
    assert run.value("seed") == 1


@pytest.mark.usefixtures("settled")
def test_runs_of_a_folder_are_known_from_the_index_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up(tmp_path, "erk_lstm/run_00000000", seed=1)
    made_up(tmp_path, "erk_ffn/run_00000000", seed=2)
    listed(tmp_path)
    expected = answers(tmp_path / "erk_ffn")
    monkeypatch.setattr(catalogue, "read_files", None)
    [run] = entries(tmp_path / "erk_ffn", tmp_path)
    assert (run.path, *map(run.value, KEYS), tuple(run.problems)) == expected[0]
    assert entries(tmp_path / "erk_lstm", tmp_path / "erk_ffn")[0].row is None


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("time", ["\ud800", "a\tb", "a\nb"])
def test_a_time_that_is_none_is_that_of_the_files(tmp_path: Path, time: str) -> None:
    run = made_up(tmp_path)
    status = {**RunFolder(run.path).read_json("status.json"), "time": time}
    (run.path / "status.json").write_text(json.dumps(status))
    listed(tmp_path)
    [found] = entries(tmp_path)
    assert found.changed()[0] == Entry(run.path, run.name).changed()[0]
    assert found.days == 0


@pytest.mark.usefixtures("settled")
def test_a_listed_run_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(tmp_path, nats=0.7)
    before = [run.value("test/nats") for run in listed(tmp_path)]
    monkeypatch.setattr(catalogue, "read_files", None)
    assert [run.value("test/nats") for run in listed(tmp_path)] == before
    assert [run.value("model.hidden_dim") for run in entries(tmp_path)] == [128]


def test_a_run_that_changed_just_now_is_not_indexed(tmp_path: Path) -> None:
    made_up(tmp_path, nats=0.7)
    listed(tmp_path)
    assert index.read_index(tmp_path) == {}


@pytest.mark.usefixtures("settled")
def test_a_running_run_is_dead_once_its_heartbeat_is_old(tmp_path: Path) -> None:
    made_up(tmp_path, state="running")
    [run] = listed(tmp_path)
    assert run.state == "running"
    status = RunFolder(run.path).read_json("status.json")
    RunFolder(run.path).write_json("status.json", {**status, "heartbeat": "2026-01-01T00:00:00+00:00"})
    listed(tmp_path)
    [run] = entries(tmp_path)
    assert run.is_indexed
    assert run.state == "interrupted"


@pytest.mark.usefixtures("settled")
@settings(max_examples=60, deadline=None)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.booleans())
def test_a_damaged_index_counts_as_none(
    tmp_path_factory: pytest.TempPathFactory, part: float, flipped: int, cut: bool
) -> None:
    outputs = tmp_path_factory.mktemp("outputs")
    for number in range(3):
        made_up(outputs, f"erk_lstm/run_{number:08x}", nats=0.5 + number)
    listed(outputs)
    path, expected = outputs / index.NAME, answers(outputs)
    content = bytearray(path.read_bytes())
    place = int(part * len(content))
    content[place] ^= flipped
    path.write_bytes(content[:place] if cut else content)
    assert answers(outputs) == expected


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    "field", [b"[]", b"{}", b"{" * 900, b'{"a":' * 600 + b"1" + b"}" * 600, b"\xff", b'{"status":[]}']
)
def test_a_made_up_row_is_not_believed(tmp_path: Path, field: bytes) -> None:
    made_up(tmp_path, nats=0.7)
    [run] = listed(tmp_path)
    expected = answers(tmp_path)
    row = run.as_row()
    index.write_index(tmp_path, {run.name: row._replace(summary=field)})
    assert answers(tmp_path) == expected
    index.write_index(tmp_path, {run.name: row._replace(config=lambda: field)})
    [run] = entries(tmp_path)
    assert run.value("seed") == (0 if plain_object(field) is None else None)


@pytest.mark.usefixtures("settled")
def test_names_with_line_ends_and_tabs_are_read_each_time(tmp_path: Path) -> None:
    for name in ("a\nb_00000000", "a\tb_00000001", "a_00000002"):
        made_up(tmp_path, name)
    listed(tmp_path)
    assert set(index.read_index(tmp_path)) == {"a_00000002"}
    assert len(entries(tmp_path)) == 3


@pytest.mark.usefixtures("settled")
def test_where_nothing_can_be_written_runs_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise PermissionError(path)

    made_up(tmp_path)
    monkeypatch.setattr(index, "atomic_write", refuse)
    assert len(listed(tmp_path)) == 1
