"""Work for other processes, in a module that they import at once."""

import os

from etude.errors import ReadError
from etude.formats.base import ReadResult
from etude.music import Piece


def process_and_square(number: int) -> tuple[int, int]:
    return os.getpid(), number * number


def die(number: int) -> int:
    if number:
        os._exit(9)
    return number


def die_on(*_: object) -> None:
    os._exit(9)


def spin() -> None:
    while True:
        pass


def take_memory(size: int) -> int:
    return len(bytes(size))


def raise_read_error() -> None:
    raise ReadError("why", path="a.mid", place="line 2")


def read_note(data: bytes, name: str) -> ReadResult:
    """Read a file that holds the pitch of its only note; ReadError for 0."""
    if pitch := int(data):
        return ReadResult([Piece.from_notes([(0, 1, pitch)], name=name)], [])
    return ReadResult([], [ReadError("no notes", path=name)])
