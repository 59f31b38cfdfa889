"""Files of corpora: their checksums, and the download of published ones."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from etude.addresses import without_credentials
from etude.corpora.settings import Source
from etude.errors import EtudeError

log = logging.getLogger(__name__)

MIRROR = "ETUDE_DATA_MIRROR"  # a folder or a base address with the files

_TIMEOUT_S = 30  # without a byte from the server
_DEADLINE_S = 60  # of a whole download, and one second more for every SLOWEST bytes
_SLOWEST = 20_000  # bytes a second
_CHUNK = 2**16  # bytes


def files_sha256(paths: Iterable[Path]) -> str:
    """Return one sha256 over names and contents, in this order; OSError if a file cannot be read."""
    whole = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(os.fsencode(path.name) + f":{content};".encode())
    return whole.hexdigest()


def fetch(source: Source, raw_dir: Path, mirror: str | None = None) -> Path:
    """Return the path of the file in ``raw_dir``; download it if missing, and verify its sha256.

    ``mirror`` (or else the environment's ETUDE_DATA_MIRROR), a folder or an address, is tried first, then
    the published address. A file takes its name only when it is whole and right. EtudeError if there is no
    way to get it, with the command that puts it in place by hand.
    """
    target = raw_dir / source.name
    if target.is_file():
        if _is_right(target, source):
            return target
        log.warning("%s is not the published file (its sha256 differs): it is fetched again", target)
    try:
        raw_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EtudeError(f"{raw_dir} cannot be made for {source.name}: {error.strerror}") from error
    tried = []
    for place in (mirror or os.environ.get(MIRROR), source.url):
        if not place:
            continue
        try:
            origin = _fetch_from(place, source, target)
        except (OSError, ValueError) as error:  # pooch raises ValueError for a wrong hash, requests OSErrors
            shown = without_credentials(place)
            tried.append(f"{shown} ({_reason(error)})")
            log.info("%s could not be fetched from %s: %s", source.name, shown, _reason(error))
        else:
            log.info(
                "%s fetched from %s; rights: %s; cite: %s",
                source.name,
                without_credentials(origin),
                source.licence,
                source.citation,
            )
            return target
    raise EtudeError(
        f"{source.name} could not be fetched from {' or '.join(tried)}; to put it in place by hand: "
        f"curl -L -o {target} {without_credentials(source.url)}"
    )


def _fetch_from(place: str, source: Source, target: Path) -> str:
    """Copy the file from an address or a folder; return its origin; OSError or ValueError on failure."""
    if urlsplit(place).scheme not in ("http", "https"):
        origin = Path(place.removeprefix("file://")).expanduser() / source.name
        _copy(origin, source, target)
        return str(origin)
    import pooch  # type: ignore[import-untyped]

    url = place if place == source.url else f"{place.rstrip('/')}/{source.name}"
    pooch.get_logger().setLevel(logging.WARNING)  # Étude prints its own message
    with _scratch(target) as folder:
        found = pooch.retrieve(
            url,
            known_hash=f"sha256:{source.sha256}",
            fname=target.name,
            path=folder,
            downloader=partial(_download, most=source.size),
        )
        Path(found).replace(target)
    return url


def _download(url: str, output: str, _: Any, *, most: int) -> None:
    """Download to a file; ValueError for more than ``most`` bytes or a stalled server."""
    import requests
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    with requests.get(url, stream=True, timeout=_TIMEOUT_S) as answer, Path(output).open("wb") as file:
        answer.raise_for_status()
        try:
            _copy_stream(answer.raw, file, most)
        except ReadTimeoutError as error:
            raise ValueError(f"the server was silent for {_TIMEOUT_S} s") from error
        except HTTPError as error:
            raise ValueError("the connection broke off") from error


def _copy_stream(stream: Any, file: IO[bytes], most: int) -> None:
    patience = _DEADLINE_S + most / _SLOWEST
    deadline = time.monotonic() + patience
    size = 0
    # read1: what has come, and not a whole chunk, which a slow server could take for ever to fill
    while chunk := stream.read1(_CHUNK, decode_content=True):
        size += len(chunk)
        if size > most:
            raise ValueError(f"the server sends more than the {most:,} bytes of the file")
        if time.monotonic() > deadline:
            raise ValueError(f"only {size:,} of {most:,} bytes came in {patience:.0f} s")
        file.write(chunk)


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """Yield a temporary folder for a download; `etude gc` removes it by its name if this process dies."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".making-{target.name}-") as folder:
        yield Path(folder)


def _copy(origin: Path, source: Source, target: Path) -> None:
    if not origin.is_file():
        raise FileNotFoundError("there is no such file")
    if origin.stat().st_size != source.size:
        raise ValueError("its size is not the published one")
    with _scratch(target) as folder:
        copy = Path(shutil.copyfile(origin, folder / target.name))
        if not _is_right(copy, source):
            raise ValueError("its sha256 is not the published one")
        copy.replace(target)


def _is_right(path: Path, source: Source) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == source.sha256


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ValueError) and "hash" in str(error):
        return "its sha256 is not the published one"
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answers {response.status_code} {response.reason}"
    name = type(error).__name__
    if "Timeout" in name:
        return f"the server was silent for {_TIMEOUT_S} s"
    if name in ("ConnectionError", "SSLError", "ProxyError"):  # of requests, whose messages are pages long
        return "no connection"
    return getattr(error, "strerror", None) or str(error) or name
