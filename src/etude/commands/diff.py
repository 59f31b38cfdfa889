"""``etude diff A B``: compare two runs key by key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude.commands.arguments import Words
from etude.runs.catalogue import Entry, find
from etude.runs.checksums import check_whole
from etude.runs.comparison import Change, changes, circumstances, count_steps, metrics_difference
from etude.runs.query import as_text, is_number
from etude.terminal import json_text, one_line, output_console, say

_ABOUT = """\
Compare two runs: settings, circumstances (code, packages, machine, corpus), results, and every logged step.

A run is its folder, latest, or the beginning of its name or hash."""

LONGEST = 60  # characters of a value that are shown


def diff(words: Sequence[str]) -> int:
    """Print the differences of two runs; return the exit code."""
    parser = Words("diff", _ABOUT)
    parser.add_argument("first", metavar="A")
    parser.add_argument("second", metavar="B")
    parser.add_argument("--json", action="store_true", help="for programs")
    flags = parser.read(words)
    first, second = find(flags.outputs, flags.first), find(flags.outputs, flags.second)
    for run in (first, second):
        run.check_readable()
        check_whole(run.path)
    found = compared(first, second)
    if flags.json:
        say(json_text(found))
    else:
        _show(first, second, found)
    return 0


def compared(first: Entry, second: Entry) -> dict[str, Any]:
    """Return the differences of two runs: (key, first, second) by section, and the first differing step."""
    step = metrics_difference(first.path / "metrics.csv", second.path / "metrics.csv")
    return {
        "runs": [first.name, second.name],
        "config": changes(first.settings, second.settings),
        "circumstances": changes(circumstances(first.manifest), circumstances(second.manifest)),
        "results": changes(
            {"state": first.state, **first.metrics}, {"state": second.state, **second.metrics}
        ),
        "metrics": None if step is None else step._asdict(),
    }


def _show(first: Entry, second: Entry, found: dict[str, Any]) -> None:
    from rich.text import Text

    from etude.reports.cells import plain_table

    out = output_console()
    out.print(f"A  {first.name}\nB  {second.name}", markup=False)
    for title in ("config", "circumstances", "results"):
        rows: list[Change] = found[title]
        if not rows:
            out.print(f"\n{title}: the same")
            continue
        table = plain_table(title, "A", "B", *(["B - A"] * (title == "results")))
        for key, ours, theirs in rows:
            gap = [_gap(ours, theirs)] if title == "results" else []
            table.add_row(Text(one_line(key)), Text(_cell(ours)), Text(_cell(theirs)), *gap)
        out.print(table)
    if found["metrics"] is not None:
        step = found["metrics"]
        out.print(
            f"metrics.csv: first differ at step {step['step']}, {step['column']}: "
            f"A {_cell(step['first'])}, B {_cell(step['second'])}"
        )
    elif both := min(count_steps(run.path / "metrics.csv") for run in (first, second)):
        out.print(f"\nmetrics.csv: the same in all {both} rows")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    text = f"{value:.6g}" if isinstance(value, float) else one_line(as_text(value))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _gap(first: Any, second: Any) -> str:
    return f"{second - first:+.4g}" if is_number(first) and is_number(second) else ""
