"""What a user is told when something is wrong: one sentence, the place, what to type next."""

from __future__ import annotations

import errno
from pathlib import Path


class EtudeError(Exception):
    """A mistake or a circumstance that the user can mend; shown without a traceback, exit code 2."""


class ReadError(EtudeError):
    """A file, or one tune of it, that cannot be read as music.

    ``place`` is a line ("line 12"), a byte ("byte 0x1a") or "" for the file as a whole.
    """

    def __init__(self, reason: str, *, path: Path | str = "", place: str = "") -> None:
        self.reason = reason
        self.path = str(path)
        self.place = place
        where = ", ".join(part for part in (self.path, place) if part)
        super().__init__(f"{where}: {reason}" if where else reason)

    def at(self, path: Path | str, place: str = "") -> ReadError:
        """Return the same error with the file (and the place, if it had none) filled in."""
        return ReadError(self.reason, path=self.path or path, place=self.place or place)


class EncodeError(EtudeError):
    """A piece that an encoding does not accept; the message is the reason, ready to be counted."""


class Preempted(KeyboardInterrupt):
    """A signal asked for an end (SIGTERM, SIGUSR1, SIGUSR2); the work is saved and can go on. Exit code 75.

    An interrupt, so that all that lets Ctrl-C through lets it through too. ``by``: the name of the signal.
    """

    def __init__(self, by: str) -> None:
        self.by = by
        super().__init__(f"stopped by {by}; type the same again to go on")


class Pruned(Preempted):
    """A search wants no more of a training, since others had done better by then; it is saved likewise."""


# how the system refuses a place that was named; a file that is not there may be a fault of ours
_OF_A_PLACE = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EACCES, errno.EROFS, errno.ENAMETOOLONG}


_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_of_space(error: BaseException) -> bool:
    """Whether an error says that no more can be written: full disk, quota, limit of a file's size."""
    return isinstance(error, OSError) and error.errno in _OF_SPACE


def refused_place(error: BaseException) -> str:
    """Return what to tell of a file or folder that the system refused; "" for any other error."""
    if isinstance(error, OSError) and is_of_space(error):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}: make room, and type the same again to go on"
    if isinstance(error, OSError) and error.errno in _OF_A_PLACE and error.filename:
        return f"{error.filename}: {error.strerror}"
    return ""
