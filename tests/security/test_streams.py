"""Streams that are closed, full, unread or of another encoding end no command; nor do more signals."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from etude.errors import Preempted, is_of_space, refused_place
from etude.runs.folder import RunFolder
from run_folders import made_up

LINES = "from etude.streams import open_streams\nopen_streams(lasting=True)\n" + textwrap.dedent("""
    for number in range(100_000):
        print("Étude", number)
    import sys
    sys.stdout.flush()
    print("the end", file=sys.stderr)
    """)


def shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


@pytest.mark.parametrize("where", ["> /dev/full", ">&-", "| head -1", "| :", "<&- >&-"])
def test_a_lost_reader_ends_no_command(tmp_path: Path, where: str) -> None:
    (tmp_path / "lines.py").write_text(LINES)
    done = shell(f'{{ "$PYTHON" lines.py; echo "code $?" >&2; }} {where}', tmp_path)
    assert done.stderr.split("\n")[-3:-1] == ["the end", "code 0"], done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_letters_that_the_encoding_lacks_are_replaced(tmp_path: Path, encoding: str) -> None:
    done = shell('"$PYTHON" -m etude --help', tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert "Usage: etude VERB" in done.stdout


def test_a_configuration_is_shown_to_nobody_without_a_traceback(tmp_path: Path) -> None:
    done = shell('"$PYTHON" -m etude train --cfg job > /dev/full', tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_stdin_is_no_terminal(tmp_path: Path) -> None:
    run = made_up(tmp_path / "outputs", nats=1.0)
    done = shell(f'"$PYTHON" -m etude rm {run.path} <&-', tmp_path)
    assert done.returncode == 2
    assert "add --yes" in done.stderr


TWICE = """
import os, signal, time
from etude.cli import _ignore_signals
from etude.errors import Preempted
from etude.processes import OwnProcess
from etude.training.signals import stop_signals
OwnProcess.is_ours = True
try:
    with stop_signals():
        os.kill(os.getpid(), signal.SIGTERM)
except Preempted:
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        os.kill(os.getpid(), number)
    _ignore_signals(None)
    os.kill(os.getpid(), signal.SIGINT)
    raise SystemExit(75)
"""


def test_after_the_first_signal_no_other_changes_the_exit_code() -> None:
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, check=False)
    assert done.returncode == 75, done.stderr


def test_after_a_signal_a_process_that_is_not_ours_hears_signals_again() -> None:
    from etude.training.signals import stop_signals

    before = signal.getsignal(signal.SIGUSR1)
    with pytest.raises(Preempted), stop_signals():
        os.kill(os.getpid(), signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) == before


def test_without_a_signal_the_handlers_are_as_before() -> None:
    from etude.training.signals import stop_signals

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)]
    with stop_signals():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)] == before


FULL = """
import resource, sys
from pathlib import Path
from etude.corpora.store import EncodedPiece
from etude.corpora.store_writer import StoreWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
pieces = (EncodedPiece(str(n), n, [str(n + k) for k in range(500)]) for n in range(300))
try:
    with StoreWriter(Path("store/x"), {"fingerprint": "f"}) as writer:
        for piece in pieces:
            writer.add(piece)
except OSError as error:
    from etude.errors import refused_place
    print(refused_place(error), list(Path("store").iterdir()))
"""


@pytest.mark.parametrize("most", [0, 100, 3000, 5000, 100_000, 400_000, 600_000])
def test_a_store_that_finds_no_room_is_one_sentence_and_leaves_nothing(tmp_path: Path, most: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(most)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("make room, and type the same command again to resume []"), (
        done.stdout
    )


def test_no_file_of_a_store_is_written_through_a_map() -> None:
    from etude.corpora import store_writer

    source = Path(store_writer.__file__).read_text()
    assert "open_memmap" not in source  # on a full disk the system ends a process that writes to a map
    assert 'mode="w' not in source


@pytest.mark.parametrize("number", [28, 122, 27])
def test_a_run_that_finds_no_room_is_interrupted(tmp_path: Path, number: int) -> None:
    run = RunFolder(made_up(tmp_path, state="queued").path)
    with pytest.raises(OSError) as full, run.training():  # noqa: PT011
        raise OSError(number, os.strerror(number))
    assert run.state == "interrupted"
    assert is_of_space(full.value)
    assert run.status["error"] == refused_place(full.value)
