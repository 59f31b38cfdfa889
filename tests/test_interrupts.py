"""An interrupt that a library turns into an error of its own, or drops, is still one."""

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from etude.cli import main
from etude.corpora.parallel import mapped
from etude.errors import Preempted
from etude.interrupts import check_interrupts, interrupts_kept
from etude.runs.status import RunState, end_written
from etude.training.signals import stop_signals


def call_back(number: int = signal.SIGINT, *, drop: bool = False) -> None:
    """Be a C library that calls Python back: an exception in there becomes its own error, or nothing."""
    try:
        os.kill(os.getpid(), number)
    except KeyboardInterrupt:
        if not drop:
            raise ValueError("object is not a path") from None


def test_an_interrupt_that_became_another_error_ends_the_block() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts_kept(), interrupts_kept():
        call_back()
    with pytest.raises(ValueError, match="not a path"):
        raise_in_a_block(ValueError("not a path"))


def test_an_interrupt_that_becomes_another_error_between_two_blocks_ends_the_outer_one() -> None:
    def inner() -> None:
        try:
            with interrupts_kept():
                call_back()
        except KeyboardInterrupt:
            raise ValueError("of a library between the two") from None

    with pytest.raises(KeyboardInterrupt), interrupts_kept():
        inner()


def raise_in_a_block(error: Exception) -> None:
    with interrupts_kept():
        raise error


def test_an_error_after_a_block_that_was_interrupted_stays_an_error() -> None:
    with interrupts_kept():
        with pytest.raises(KeyboardInterrupt), interrupts_kept():
            call_back()
        with pytest.raises(ValueError, match="of the next job"):
            raise_in_a_block(ValueError("of the next job"))


@pytest.mark.parametrize("inner", [interrupts_kept, lambda: pytest.raises(KeyboardInterrupt)])
def test_the_handler_is_as_before(inner: Callable[[], Any]) -> None:
    with interrupts_kept(), inner():
        if inner is not interrupts_kept:
            call_back(drop=True)
            check_interrupts()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    check_interrupts()


@pytest.mark.parametrize(
    ("number", "state"), [(signal.SIGINT, RunState.INTERRUPTED), (signal.SIGTERM, RunState.PREEMPTED)]
)
def test_a_run_that_is_interrupted_within_a_library_has_not_failed(number: int, state: RunState) -> None:
    written: list[RunState] = []
    with (
        pytest.raises(KeyboardInterrupt) as stop,
        stop_signals(),
        end_written(lambda state, **_: written.append(state)),
    ):
        call_back(number)
    assert written == [state]
    assert isinstance(stop.value, Preempted) == (number == signal.SIGTERM)


def test_a_training_notices_an_interrupt_that_a_library_dropped() -> None:
    with stop_signals() as stop, interrupts_kept():
        call_back(drop=True)
        with pytest.raises(KeyboardInterrupt):
            stop.check()


def test_a_command_that_is_interrupted_within_a_library_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: call_back())
    assert main(["--version"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_a_file_whose_reading_is_interrupted_is_not_rejected() -> None:
    def read(number: int) -> str:
        try:
            call_back()
        except ValueError as error:
            return f"rejected: {error}"
        return "read"

    with pytest.raises(KeyboardInterrupt), interrupts_kept():
        list(mapped(read, [1, 2]))
