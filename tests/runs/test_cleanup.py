"""Cleanup removes leftovers whole and keeps everything in use."""

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from etude.errors import EtudeError
from etude.runs.catalogue import Entry, entries
from etude.runs.cleanup import (
    Leftover,
    remove,
    remove_run,
    temporary_files,
    unfinished_runs,
    unused_stores,
)
from run_folders import made_up


def aged(path: Path, days: float) -> Path:
    when = time.time() - days * 86400
    for each in (*path.rglob("*"), path):
        os.utime(each, (when, when))
    return path


def test_a_run_goes_whole(tmp_path: Path) -> None:
    made_up(tmp_path, "a_00000001")
    kept = made_up(tmp_path, "b_00000002")
    remove_run(entries(tmp_path)[0])
    assert [path.name for path in tmp_path.iterdir()] == [kept.path.name]


def test_a_run_in_use_and_folders_that_are_no_run_stay(tmp_path: Path) -> None:
    running = made_up(tmp_path, "running_00000001", "running")
    with pytest.raises(EtudeError, match="being trained"):
        remove_run(running)
    held = made_up(tmp_path, "held_00000002", "failed")
    with FileLock(held.path / ".lock"), pytest.raises(EtudeError, match="another process"):
        remove_run(Entry(held.path, held.name))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.yaml").write_text("precious: true")
    (tmp_path / "link").symlink_to(held.path)
    for name in ("mine", "link", "nowhere"):
        with pytest.raises(EtudeError, match="no run"):
            remove_run(Entry(tmp_path / name, name))
    assert {path.name for path in tmp_path.iterdir()} == {running.name, held.name, "mine", "link"}
    assert (held.path / "config.yaml").is_file()


def test_only_old_runs_that_did_not_end_are_left_over(tmp_path: Path) -> None:
    for days in (1, 30):
        for state in ("done", "queued", "failed", "interrupted", "preempted"):
            run = made_up(tmp_path, f"{state}-{days}_00000001", state, days=days)
            aged(run.path, days)
    carried = made_up(tmp_path, "carried_00000001", "failed", days=30)  # its files are of today
    found = {leftover.path.name for leftover in unfinished_runs(tmp_path, days=14)}
    assert found == {f"{state}-30_00000001" for state in ("failed", "interrupted", "preempted")}
    assert carried.path.name not in found


def test_only_old_temporary_files_are_left_over(tmp_path: Path) -> None:
    def written(name: str, days: float) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
        aged(path, days)
        return path

    old = written(f"run/.{'a' * 32}.tmp", 2)
    young = written(f"run/.{'b' * 32}.tmp", 0.5)
    other = written("run/.keep.tmp", 2)
    written(".importing-1/config.yaml", 2)
    written(".making-erk/ids.npy", 0.1)
    for name in (".importing-1", ".making-erk"):
        os.utime(tmp_path / name, (0, 0))
    found = list(temporary_files(tmp_path))
    assert {each.path.name for each in found} == {old.name, ".importing-1"}
    assert {each.size for each in found} == {4}
    for each in found:
        remove(each)
    assert young.exists()
    assert other.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"run", ".making-erk"}


def test_stores_that_a_run_was_trained_on_stay(tmp_path: Path) -> None:
    made_up(tmp_path / "outputs")  # on the corpus ffff…
    stores = [("used", "f", 30), ("idle", "e", 30), ("new", "d", 1), ("read", "c", 30), ("made", "b", 30)]
    for name, digit, days in stores:
        store = tmp_path / "data" / "store" / name
        store.mkdir(parents=True)
        (store / "manifest.json").write_text(f'{{"fingerprint": "{digit * 64}"}}')
        (store / "ids.npy").write_bytes(b"ids")
        aged(store, days)
    now, month = time.time(), 30 * 86400
    for name, read, made in (("read", now, now - month), ("made", now - month, now)):
        os.utime(tmp_path / "data" / "store" / name / "ids.npy", (read, made))
    (tmp_path / "data" / "store" / "mine").mkdir()
    [found] = unused_stores(tmp_path / "data", tmp_path / "outputs", days=14)
    assert found.path.name == "idle"
    with FileLock(f"{found.path}.lock"), pytest.raises(EtudeError, match="another process"):
        remove(found)
    assert found.path.is_dir()
    remove(found)
    assert not found.path.exists()


def test_a_run_taken_up_meanwhile_stays(tmp_path: Path) -> None:
    run = made_up(tmp_path, "a_00000001", "failed", days=30)
    leftover = Leftover(run.path, "failed", 1)
    made_up(tmp_path, "a_00000001", "running")
    with pytest.raises(EtudeError, match="being trained"):
        remove(leftover)
    assert run.path.is_dir()
