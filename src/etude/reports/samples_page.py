"""Samples of several settings side by side: a table for the terminal, a page with scores and sound."""

from __future__ import annotations

import hashlib
import html
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from urllib.parse import quote

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from etude.evaluation.statistics import SampleStatistics
from etude.files import atomic_write

PITCHES = ("C", "C#", "D", "E♭", "E", "F", "F#", "G", "A♭", "A", "B♭", "B")
STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; }
table { border-collapse: collapse; } th, td { padding: .25rem .75rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } thead { border-bottom: 1px solid #999; }
.row { display: flex; gap: 1.5rem; overflow-x: auto; } figure { margin: 0; width: 30rem; flex: none; }
img { width: 100%; border: 1px solid #ddd; background: #fff; } audio { width: 100%; } .bad { color: #a00; }
"""


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
    table = Table(title="samples", box=SIMPLE_HEAD, pad_edge=False)
    for key in changed:
        table.add_column(key.removeprefix("sampling."), overflow="fold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for setting in settings:
        values = [Text(setting.overrides.get(key, "–")) for key in changed]
        cells = [Text(setting.error or cell) for cell in (_means(setting) if not setting.error else ("",))]
        table.add_row(*values, *cells, style="red" if setting.error else None)
    return table


def page_path(folders: Sequence[Path]) -> Path:
    """Return where the page of these settings lies: beside the first one's folder, named by all of them."""
    digest = hashlib.sha256("\n".join(map(str, folders)).encode()).hexdigest()
    return folders[0].parent / f"side-by-side_{digest[:8]}.html"


def write_page(settings: Sequence[Setting], path: Path) -> None:
    """Write a page of figures and for each sample its score, piano roll and sound, which it links to."""
    changed = _changed(settings)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("setting", *HEADINGS))
    rows = "".join(
        f"<tr><td>{_name(setting, changed)}</td><td>{'</td><td>'.join(_means(setting))}</td></tr>"
        for setting in settings
        if not setting.error
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Samples side by side</title>",
        f"<style>{STYLE}</style>",
        f"<h1>Samples side by side</h1><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>",
        *(_section(setting, changed, path.parent) for setting in settings),
    ]
    atomic_write(path, "\n".join(parts).encode())


def _section(setting: Setting, changed: Sequence[str], beside: Path) -> str:
    title = f"<h2>{_name(setting, changed)}</h2>"
    if setting.folder is None:
        return f"{title}<p class=bad>{html.escape(setting.error)}</p>"
    figures = "".join(_figure(setting.folder, row, beside) for row in setting.samples)
    return f"{title}<div class=row>{figures}</div>"


def _figure(folder: Path, row: SampleStatistics, beside: Path) -> str:
    pictures = "".join(
        f'<a href="{link}"><img alt="{what} of sample {row.number}" src="{link}"></a>'
        for suffix, what in ((".svg", "score"), (".png", "piano roll"))
        if (path := folder / f"sample-{row.number}{suffix}").is_file() and (link := _link(path, beside))
    )
    sound = folder / f"sample-{row.number}.wav"
    audio = (
        f'<audio controls preload=metadata src="{_link(sound, beside)}"></audio>' if sound.is_file() else ""
    )
    nats = "" if row.nats is None else f", {row.nats:.2f} nats/token"
    words = f"{row.number}: {row.notes} notes, {_range(row)}, {row.repeats:.0%} repeats{nats}"
    faults = [] if row.valid else ["not well formed"]
    faults += [] if row.degenerate_from is None else [f"degenerate from token {row.degenerate_from + 1}"]
    caption = f"<figcaption>{words} <b class=bad>{', '.join(faults)}</b></figcaption>"
    return f"<figure>{pictures}{audio}{caption}</figure>"


def _link(path: Path, beside: Path) -> str:
    return html.escape(quote(Path(os.path.relpath(path, beside)).as_posix()))


def _means(setting: Setting) -> tuple[str, ...]:
    samples = setting.samples
    if not samples:
        return ("–",) * 4 + (f"{setting.valid} of {setting.generated}", "–")
    lows = [row.lowest for row in samples if row.lowest is not None]
    highs = [row.highest for row in samples if row.highest is not None]
    nats = [row.nats for row in samples if row.nats is not None]
    return (
        f"{fmean(row.notes for row in samples):.0f}",
        f"{_pitch(min(lows))}–{_pitch(max(highs))}" if lows and highs else "–",
        f"{fmean(row.repeats for row in samples):.0%}",
        f"{fmean(nats):.2f}" if nats else "–",
        f"{setting.valid} of {setting.generated}",
        str(sum(row.degenerate_from is not None for row in samples) or "–"),
    )


def _range(row: SampleStatistics) -> str:
    return (
        "no pitch"
        if row.lowest is None or row.highest is None
        else f"{_pitch(row.lowest)}–{_pitch(row.highest)}"
    )


def _pitch(number: int) -> str:
    return f"{PITCHES[number % 12]}{number // 12 - 1}"


def _changed(settings: Sequence[Setting]) -> list[str]:
    keys = list(dict.fromkeys(key for setting in settings for key in setting.overrides))
    return [key for key in keys if len({setting.overrides.get(key) for setting in settings}) > 1] or keys


def _name(setting: Setting, changed: Sequence[str]) -> str:
    return html.escape(
        ", ".join(f"{key.removeprefix('sampling.')} {setting.overrides.get(key, '–')}" for key in changed)
    )
