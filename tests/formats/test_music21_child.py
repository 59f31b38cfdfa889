"""music21 in a process of its own: a call that hangs, dies or fills the memory is an error of that call."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from etude.errors import ReadError
from etude.formats import music21_child
from etude.formats.music21_child import call
from etude.formats.music21_reader import read_with_music21_bytes
from small_work import die, die_on, process_and_square, raise_read_error, spin, take_memory


@pytest.fixture(autouse=True)
def _own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the process what the tests of this file need, and end it after each."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    music21_child._Process.end(kill=True)
    yield
    music21_child._Process.end(kill=True)


def test_calls_are_served_by_one_other_process() -> None:
    (process, four), (same, nine) = call(process_and_square, 2), call(process_and_square, 3)
    assert (four, nine) == (4, 9)
    assert process == same != os.getpid()


def test_a_call_that_dies_is_an_error_and_the_next_one_is_served() -> None:
    assert call(die, 0) == 0
    with pytest.raises(ReadError, match=r"music21 ended on it \(exit code 9\)"):
        call(die, 1)
    assert call(process_and_square, 2)[1] == 4


def test_a_call_that_takes_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(music21_child, "SECONDS", 0.2)
    with pytest.raises(ReadError, match=r"music21 needs more than 0\.2 s for it"):
        call(spin)
    assert call(process_and_square, 2)[1] == 4


def test_a_call_that_takes_too_much_memory_is_an_error() -> None:
    with pytest.raises(MemoryError):
        call(take_memory, music21_child.MEMORY)


def test_what_a_call_raises_arrives_as_it_was() -> None:
    with pytest.raises(ReadError) as raised:
        call(raise_read_error)
    assert (raised.value.reason, raised.value.path, raised.value.place) == ("why", "a.mid", "line 2")


def interrupt(file: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_leaves_no_answer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(music21_child.pickle, "load", interrupt)
    with pytest.raises(KeyboardInterrupt):
        call(process_and_square, 2)
    monkeypatch.undo()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    assert call(process_and_square, 3)[1] == 9


def test_a_forked_copy_has_a_process_of_its_own() -> None:
    process = call(process_and_square, 2)[0]
    child = os.fork()
    if not child:
        os._exit(call(process_and_square, 2)[0] == process)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert call(process_and_square, 3) == (process, 9)


def test_a_file_on_which_music21_dies_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etude.formats.music21_reader._read", die_on)
    result = read_with_music21_bytes(b"**kern\n4c\n*-\n", "tunes/a.krn")
    assert [str(each) for each in result.rejected] == [
        "tunes/a.krn: music21 ended on it (exit code 9), perhaps because memory ran out"
    ]
