"""The Mozart lab's MIDI files."""

from __future__ import annotations

import functools
import tarfile
from pathlib import PurePath

from corpora import published


@functools.cache
def mozart_files() -> dict[str, bytes]:
    """Name and bytes of the 20 files, in the order of their names; skips where they are not at hand."""
    files: dict[str, bytes] = {}
    with tarfile.open(published("mozart_sonatas.tar.gz")) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content and member.name.endswith(".mid") and not PurePath(member.name).name.startswith("."):
                files[PurePath(member.name).name] = content.read()
    return dict(sorted(files.items()))
