"""Console: labelled lines, notes and lists of files, as the verbs print them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from etude.terminal import output_console

console = output_console()


def line(label: str, text: str) -> None:
    """Print a line with a label."""
    console.print(f"[bold]{label:<7}[/bold]", end=" ")
    console.print(text, markup=False)


def note(text: str) -> None:
    """Print a line without a label."""
    console.print(text, markup=False)


def notes(texts: Iterable[str]) -> None:
    """Print lines without a label; "" is left out."""
    for text in filter(None, texts):
        note(text)


def files(paths: Sequence[Path]) -> None:
    """Print the written files; files that differ only in their suffix share a line."""
    console.print(f"\n{len(paths)} files written:")
    stems: dict[Path, list[str]] = {}
    for path in paths:
        stem, dot, suffix = path.name.partition(".")
        stems.setdefault(path.with_name(stem), []).append(dot + suffix)
    for path, suffixes in stems.items():
        gap = "  " if len(suffixes) > 1 else ""
        console.print(f"  {path}{gap}{' '.join(suffixes)}", markup=False)
