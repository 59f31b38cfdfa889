"""Types of samples.json, checked when it is read."""

from __future__ import annotations

from typing import Any, TypedDict

NAME = "samples.json"


class CopiedRow(TypedDict):
    """Longest run of notes shared with a training piece; where it is, if there is one."""

    notes: int
    notes_shared: int


class PlacedRow(CopiedRow, total=False):
    """The same with its place, and both melodies."""

    piece: str
    title: str
    from_note: int
    piece_from_note: int
    shared: dict[str, dict[str, Any]]


class _Row(TypedDict, total=False):
    copied: PlacedRow | None


class SampleRow(_Row):
    """A sample in samples.json."""

    number: int
    notes: int
    seconds: float
    lowest: int | None
    highest: int | None
    nats: float | None
    valid: bool
    degenerate_from: int | None
    key: str | None
    metre: str | None
    primer_quarters: float


class SamplesFile(TypedDict, total=False):
    """samples.json in a folder of samples."""

    model: str
    corpus: str
    command: str | None
    settings: dict[str, Any]
    generated: int
    well_formed: int
    samples: list[SampleRow]
