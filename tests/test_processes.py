"""Processes that end with their parent, their start without collections, and process numbers from files."""

import gc
import os
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest

from etude.processes import OwnProcess, load
from etude.runs.status import exists

CHILD = "import sys, time; from etude.processes import end_with_parent; end_with_parent(pid=int(sys.argv[1]))"
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1] + "; time.sleep(600)", str(os.getpid())])
print(child.pid, flush=True)
time.sleep(600)
"""


class Garbage:
    """An object that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


def test_a_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert exists(child)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 60
    while exists(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("pid", [None, "1", 1.0, 0, -1, 2**80, [], {}])
def test_no_process_has_an_invalid_number(pid: object) -> None:
    assert not exists(pid)


def test_this_process_exists() -> None:
    assert exists(os.getpid())


@pytest.mark.parametrize(("ours", "name"), [(True, "of_a_command"), (False, "of_a_notebook")])
def test_no_garbage_is_collected_while_a_command_is_imported(
    ours: bool, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{name}.py").write_text("import gc\nfound = [gc.isenabled()]\ndef verb(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(OwnProcess, "is_ours", ours)
    before = gc.get_freeze_count()
    try:
        assert load(f"{name}:verb").__globals__["found"] == [not ours]
        assert gc.isenabled()
        assert (gc.get_freeze_count() > before) == ours
        garbage = Garbage()
        left = weakref.ref(garbage)
        del garbage
        load(f"{name}:verb")  # for a second job: what the first has left is not kept
        gc.collect()
        assert left() is None
    finally:
        gc.unfreeze()


def test_a_command_that_cannot_be_imported_leaves_the_collector_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OwnProcess, "is_ours", True)
    with pytest.raises(ModuleNotFoundError):
        load("no_such_module:verb")
    assert gc.isenabled()
    gc.unfreeze()
