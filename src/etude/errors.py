"""Exceptions shown to the user: one sentence, the file and line, and the command to type next."""

from __future__ import annotations

import errno
from pathlib import Path


class EtudeError(Exception):
    """Base class of errors that the user can correct; shown without a traceback, exit code 2."""


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
    """A piece that an encoding does not accept; the message is a short reason, used as a key for counting."""


class Preempted(KeyboardInterrupt):
    """Raised after SIGTERM, SIGUSR1 or SIGUSR2, with the run saved and ready to resume. Exit code 75.

    A KeyboardInterrupt, so that code that passes on Ctrl-C passes it on too. ``by``: name of the signal.
    """

    def __init__(self, by: str) -> None:
        self.by = by
        super().__init__(f"stopped by {by}; type the same command again to resume")


class Pruned(Preempted):
    """Raised when a search prunes a run because others did better by this epoch; the run is saved too."""


# error numbers for a path that cannot be used; not ENOENT, which may be a bug of Étude's
_OF_A_PLACE = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EACCES, errno.EROFS, errno.ENAMETOOLONG}


_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_of_space(error: BaseException) -> bool:
    """Return whether an error means that there is no room: full disk, quota or file size limit."""
    return isinstance(error, OSError) and error.errno in _OF_SPACE


def refused_place(error: BaseException) -> str:
    """Return a message for a path that the operating system refused; "" for any other error."""
    if isinstance(error, OSError) and is_of_space(error):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}: make room, and type the same command again to resume"
    if isinstance(error, OSError) and error.errno in _OF_A_PLACE and error.filename:
        return f"{error.filename}: {error.strerror}"
    return ""
