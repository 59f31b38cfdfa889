"""Samples of several settings side by side: a table for the terminal, a page with scores and sound."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import NamedTuple
from urllib.parse import quote

from rich.table import Column, Table
from rich.text import Text

from etude.evaluation.statistics import SampleStatistics
from etude.files import atomic_write
from etude.music.spelling import pitch_name
from etude.reports.cells import faults, numbers, plain_table
from etude.reports.pages import render

PICTURES = {"score": ".svg", "piano roll": ".png"}


@dataclass(frozen=True)
class Setting:
    """The changed keys, the folder of the samples (None if the job failed: ``error``), their statistics."""

    overrides: Mapping[str, str]
    folder: Path | None
    samples: list[SampleStatistics]
    generated: int
    valid: int
    error: str = ""


HEADINGS = ("notes", "range", "repeats", "nats/token", "well formed", "degenerate")


def samples_table(settings: Sequence[Setting]) -> Table:
    """Return a row for each setting, with means over its samples."""
    changed = _changed(settings)
    columns = [Column(key.removeprefix("sampling."), overflow="fold") for key in changed]
    table = plain_table(*columns, *numbers(*HEADINGS), title="samples")
    for setting in settings:
        values = [Text(setting.overrides.get(key, "–")) for key in changed]
        cells = [Text(setting.error or cell) for cell in (_means(setting) if not setting.error else ("",))]
        table.add_row(*values, *cells, style="red" if setting.error else None)
    return table


def page_path(folders: Sequence[Path]) -> Path:
    """Return the path of the page: beside the folder of the first setting, named by a hash of all folders."""
    digest = hashlib.sha256("\n".join(map(str, folders)).encode()).hexdigest()
    return folders[0].parent / f"side-by-side_{digest[:8]}.html"


class _Section(NamedTuple):
    name: str
    error: str
    means: tuple[str, ...]
    samples: list[_Sample]


class _Sample(NamedTuple):
    number: int
    pictures: dict[str, str]  # what it shows → link
    sound: str  # a link, "" if there is none
    words: str
    faults: str


def write_page(settings: Sequence[Setting], path: Path) -> None:
    """Write a page with the statistics, and links to the score, piano roll and sound of each sample."""
    changed = _changed(settings)
    sections = [_section(setting, changed, path.parent) for setting in settings]
    page = render("samples.html", title="Samples side by side", headings=HEADINGS, sections=sections)
    atomic_write(path, page.encode())


def _section(setting: Setting, changed: Sequence[str], beside: Path) -> _Section:
    name = ", ".join(f"{key.removeprefix('sampling.')} {setting.overrides.get(key, '–')}" for key in changed)
    if setting.folder is None:
        return _Section(name, setting.error, (), [])
    samples = [_sample(setting.folder, row, beside) for row in setting.samples]
    return _Section(name, "", _means(setting), samples)


def _sample(folder: Path, row: SampleStatistics, beside: Path) -> _Sample:
    def link(suffix: str) -> str:
        file = folder / f"sample-{row.number}{suffix}"
        return quote(Path(os.path.relpath(file, beside)).as_posix()) if file.is_file() else ""

    pictures = {what: target for what, suffix in PICTURES.items() if (target := link(suffix))}
    nats = "" if row.nats is None else f", {row.nats:.2f} nats/token"
    span = "no pitch"
    if row.lowest is not None and row.highest is not None:
        span = f"{pitch_name(row.lowest)}–{pitch_name(row.highest)}"
    words = f"{row.notes} notes, {span}, {row.repeats:.0%} repeats{nats}"
    return _Sample(row.number, pictures, link(".wav"), words, faults(row.valid, row.degenerate_from))


def _means(setting: Setting) -> tuple[str, ...]:
    samples = setting.samples
    if not samples:
        return ("–",) * 4 + (f"{setting.valid} of {setting.generated}", "–")
    lows = [row.lowest for row in samples if row.lowest is not None]
    highs = [row.highest for row in samples if row.highest is not None]
    nats = [row.nats for row in samples if row.nats is not None]
    return (
        f"{fmean(row.notes for row in samples):.0f}",
        f"{pitch_name(min(lows))}–{pitch_name(max(highs))}" if lows and highs else "–",
        f"{fmean(row.repeats for row in samples):.0%}",
        f"{fmean(nats):.2f}" if nats else "–",
        f"{setting.valid} of {setting.generated}",
        str(sum(row.degenerate_from is not None for row in samples) or "–"),
    )


def _changed(settings: Sequence[Setting]) -> list[str]:
    keys = list(dict.fromkeys(key for setting in settings for key in setting.overrides))
    return [key for key in keys if len({setting.overrides.get(key) for setting in settings}) > 1] or keys
