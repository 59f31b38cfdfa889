"""Run folders: identity, status, lookup, comparison, archive, cleanup."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etude.runs.catalogue import Entry


class _Room(ModuleType):
    """This package, which is a function too: ``from etude import runs`` lists runs in Python."""

    def __call__(self, outputs: Path | str = "outputs") -> list[Entry]:
        """Return the runs below a folder: ``run.name``, ``run.state``, ``run.value("test/nats")``."""
        from etude.runs.catalogue import entries

        return entries(Path(outputs))


sys.modules[__name__].__class__ = _Room
