"""Work on all cores: in order, a bounded number ahead, with an end if a process dies."""

import io
import os
from collections.abc import Iterator
from operator import length_hint
from pathlib import Path

import pytest

from etude.corpora import parallel
from etude.corpora.folders import FolderFiles
from etude.corpora.parallel import mapped
from etude.errors import EtudeError
from small_work import die, process_and_square


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start other processes after the first item."""
    monkeypatch.setattr(parallel, "PATIENCE", 0.0)
    monkeypatch.setattr(parallel, "FILES_A_TASK", 3)
    monkeypatch.setattr(parallel, "usable_cores", lambda: 2)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_results_come_in_order_from_other_processes(count: int) -> None:
    results = list(mapped(process_and_square, range(count)))
    assert [square for _, square in results] == [number * number for number in range(count)]
    assert [pid == os.getpid() for pid, _ in results] == [number == 0 for number in range(count)]


@pytest.mark.usefixtures("at_once")
def test_items_are_taken_only_as_results_are_wanted() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(10_000):
            taken.append(number)
            yield number

    results = mapped(process_and_square, items())
    for _ in range(10):
        next(results)
    assert len(taken) <= 10 + 3 * 2 * (parallel.TASKS_WAITING + 1)
    results.close()  # type: ignore[attr-defined]
    assert len(taken) < 100


def test_little_work_stays_in_this_process() -> None:
    assert {pid for pid, _ in mapped(process_and_square, range(1000))} == {os.getpid()}


@pytest.mark.usefixtures("at_once")
def test_a_process_that_dies_ends_the_work_with_a_message() -> None:
    with pytest.raises(EtudeError, match="a process that read files died"):
        list(mapped(die, range(40)))


def test_the_files_of_a_folder_are_counted_for_the_progress_bar(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path, ["a.mid", "b/c.mid"])
    assert length_hint(files) == 2
    assert [(file.name, file.content) for file in files] == [
        ("a.mid", tmp_path / "a.mid"),
        ("b/c.mid", tmp_path / "b/c.mid"),
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only_with_its_end(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    list(mapped(process_and_square, range(123)))
    assert ("123/123" in screen.getvalue()) is terminal
    assert bool(screen.getvalue()) is terminal
