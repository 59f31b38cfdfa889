"""Standard streams made safe: closed, full, without a reader, or in an encoding that lacks some letters."""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class LastingOutput(io.FileIO):
    """Output that is discarded once its reader has gone, so that a closed pipe does not end a training."""

    def write(self, data: Any) -> int:
        """Write bytes; report success even if they could not be written."""
        try:
            return super().write(data) or 0
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return memoryview(data).nbytes


def open_streams(*, lasting: bool) -> None:
    """Open closed streams, replace letters that the encoding lacks; ``lasting``: outlive stdout's reader."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  (for the life of the process)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif lasting:
            raw = LastingOutput(stream.fileno(), "w", closefd=False)
            lines = name == "stderr" or stream.isatty()
            lasting_stream = io.TextIOWrapper(
                io.BufferedWriter(raw), stream.encoding, "replace", line_buffering=lines
            )
            setattr(sys, name, lasting_stream)
        else:
            stream.reconfigure(errors="replace")
