"""Terminal: where tables and lines for the user go."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 180  # characters of a line in a file or a pipe, where 80 would fold tables


def output_console() -> Console:
    """Return a console on standard output, as wide as the terminal."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)
