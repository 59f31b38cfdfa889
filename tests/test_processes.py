"""Processes that end with their parent, and process numbers from files."""

import os
import subprocess
import sys
import time

import pytest

from etude.runs.status import exists

CHILD = "import sys, time; from etude.processes import end_with_parent; end_with_parent(pid=int(sys.argv[1]))"
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1] + "; time.sleep(600)", str(os.getpid())])
print(child.pid, flush=True)
time.sleep(600)
"""


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
