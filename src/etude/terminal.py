"""Safe terminal output: control characters in stored names and titles are replaced."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# C0 and C1 controls but tab and newline; marks that reverse or hide text; line separators; half surrogates
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
REPLACEMENT = "\ufffd"
WIDTH = 180  # columns where output is a file or a pipe; 80 would fold tables


def printable(text: str) -> str:
    """Return the text with each control character replaced by U+FFFD."""
    return _UNSAFE.sub(REPLACEMENT, text)


def one_line(text: str) -> str:
    """Return a stored name or title as one printable line."""
    return printable(text).replace("\n", REPLACEMENT)


def say(text: str = "", *, file: IO[str] | None = None, flush: bool = False) -> None:
    """Print a line of text that may contain stored names."""
    print(printable(text), file=file, flush=flush)


def json_text(content: Any) -> str:
    """Return plain values as JSON for a program or a person; unsafe characters are written as \\uXXXX."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def csv_cell(value: Any) -> Any:
    """Return a CSV cell that no spreadsheet evaluates: a formula gets an apostrophe in front."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


class SafeConsole(Console):
    """A rich console that keeps its own colours and replaces control characters in the text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, their text printable."""
        for segment in super().render(renderable, options):
            if segment.control is None and _UNSAFE.search(segment.text):
                yield Segment(printable(segment.text), segment.style)
            else:
                yield segment


def output_console() -> SafeConsole:
    """Return the console for tables and notes on stdout."""
    return SafeConsole(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)
