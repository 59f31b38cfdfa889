"""Settings of every test."""

import gc
import os
import signal
import sqlite3
from pathlib import Path
from sqlite3 import dbapi2
from typing import Any

import pytest
from hypothesis import settings

from shared_compositions import shared_compositions

__all__ = ["shared_compositions"]

# A busy machine is no fault of the code: nothing here is timed.
settings.register_profile("etude", deadline=None)
settings.load_profile("etude")


def pytest_configure() -> None:
    """Heed SIGINT, which a shell has ignored by what it starts in the background; wait for no disk.

    The tests kill processes, not machines: the system keeps what a killed process has written.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.fsync = lambda file: None
    dbapi2.connect = _connect
    gc.disable()  # until all is imported


def _connect(*arguments: Any, **more: Any) -> sqlite3.Connection:
    """Open a database that does not wait for the disk either."""
    connection = sqlite3.connect(*arguments, **more)
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def pytest_collection_finish() -> None:
    """Leave what was imported and collected, millions of objects, out of each garbage collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared corpora, shared by all test processes: a corpus is prepared once, under a lock."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "data"
    folder.mkdir(exist_ok=True)
    return folder
