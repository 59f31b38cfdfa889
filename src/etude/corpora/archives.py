"""Corpora in zip and tar files, read in memory: nothing is unpacked, so no path can escape a folder."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from etude.errors import ReadError
from etude.stored_files import ARCHIVE_DAMAGE

MAX_TOTAL_BYTES = 512 * 2**20  # of all files in an archive together, decompressed
MAX_FILES = 200_000


def read_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of each file of a zip, tar or tar.gz, in the order of the names.

    Folders, ``__MACOSX/`` and files whose name begins with a dot are left out. ReadError if the archive is
    damaged or encrypted, if a name leads out of the folder, if it holds a link or a device, or if it has more
    than MAX_FILES files or MAX_TOTAL_BYTES bytes.
    """
    try:
        if not path.is_file():
            raise ReadError("there is no such file", path=path)
        if zipfile.is_zipfile(path):
            yield from _read_zip(path)
        else:
            yield from _read_tar(path)
    except ReadError as error:
        raise error.at(path) from None
    except (*ARCHIVE_DAMAGE, tarfile.TarError, OSError) as error:
        raise ReadError(f"the archive cannot be read: {error or type(error).__name__}", path=path) from error


def _read_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MAX_FILES:
            raise _too_many_files()
        if sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
            raise _too_large()
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            _check_member(member.filename, is_plain=kind in (0, stat.S_IFREG, stat.S_IFDIR))
        for member in sorted(members, key=lambda member: member.filename):
            if not member.is_dir() and _is_wanted(member.filename):
                yield member.filename, archive.read(member)  # never more than its file_size


def _read_tar(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    # Decompressed up to the limit before tarfile sees it: a header may ask for any amount of memory.
    with gzip.open(path) if is_gzip else path.open("rb") as stream:
        content = stream.read(MAX_TOTAL_BYTES + 1)
    if len(content) > MAX_TOTAL_BYTES:
        raise _too_large()
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        members: list[tarfile.TarInfo] = []
        total = 0
        for member in archive:
            total += member.size  # of a sparse file far more than the archive holds
            if len(members) == MAX_FILES:
                raise _too_many_files()
            if total > MAX_TOTAL_BYTES:
                raise _too_large()
            _check_member(member.name, is_plain=member.isreg() or member.isdir())
            members.append(member)
        for member in sorted(members, key=lambda member: member.name):
            if member.isreg() and _is_wanted(member.name):
                data = archive.extractfile(member)
                yield member.name, data.read() if data else b""


def _too_many_files() -> ReadError:
    return ReadError(f"the archive has more than {MAX_FILES} files")


def _too_large() -> ReadError:
    return ReadError(f"the archive holds more than {MAX_TOTAL_BYTES // 2**20} MiB")


def _check_member(name: str, *, is_plain: bool) -> None:
    posix = PurePosixPath(name.replace("\\", "/"))
    if posix.is_absolute() or ".." in posix.parts or ":" in name[:2]:
        raise ReadError(f"the archive is not safe: {name!r} leads out of its folder")
    if not is_plain:
        raise ReadError(f"the archive is not safe: {name!r} is a link or a device, not a file")


def _is_wanted(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and "__MACOSX" not in parts and not parts[-1].startswith(".")
