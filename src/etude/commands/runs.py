"""``etude runs``: list the runs below outputs/; ``etude runs sync``: send their offline W&B runs."""

from __future__ import annotations

import csv
import shlex
import subprocess
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from etude.commands.arguments import Words
from etude.errors import EtudeError
from etude.runs.catalogue import Entry, entries, find, remember, set_apart
from etude.runs.lookup import OUTPUTS
from etude.runs.query import Condition, arrange, as_text, check_key, choose, parse
from etude.terminal import csv_cell, json_text, one_line, output_console, say

_ABOUT = """\
List the runs below outputs/.

A filter is a key, an operator and a value, in quotes: 'model.hidden_dim>=128', 'data=erk', 'state!=done',
'name~lstm' (a regular expression). Runs must pass all filters. Keys are those of etude train, and
test/nats, test/accuracy, val/nats, minutes, state, days (since the state changed), started, commit, corpus,
signature, folder.

etude runs sync prints the commands that send offline W&B runs; etude runs sync --help."""

LISTED = 100  # runs in a table without --limit: more take longer to print than to find
_SHOWN = ("state", "days", "test/nats", "test/accuracy", "folder")  # as keys
_STYLES = {"failed": "red", "running": "green", "queued": "dim"}


def runs(words: Sequence[str]) -> int:
    """List or synchronise runs; return the exit code."""
    if words and words[0] == "sync":
        return _sync(words[1:])
    flags = _words().read(words)
    if flags.outputs != OUTPUTS and not flags.outputs.is_dir():
        raise EtudeError(f"there is no folder {flags.outputs}")
    known = entries(flags.outputs)
    chosen = choose(known, flags.filters)
    if flags.sort and (why := check_key(flags.sort, known)):
        raise EtudeError(f"--sort {flags.sort}: {why}")
    # by default the latest at the end, nearest to the prompt
    chosen = arrange(chosen, flags.sort or "days", reverse=flags.reverse != (flags.sort is None))
    limit = LISTED if flags.limit is None and not (flags.json or flags.csv or flags.paths) else flags.limit
    if limit is not None and limit < len(chosen):
        first = 0 if flags.sort or flags.reverse else len(chosen) - limit
        chosen = chosen[first : first + limit]
    filtered = [each.key for text in flags.filters if isinstance(each := parse(text), Condition)]
    _print(chosen, len(known), [*dict.fromkeys([*filtered, *([flags.sort] if flags.sort else [])])], flags)
    remember(flags.outputs, known)
    return 0


def _words() -> Words:
    words = Words("runs", _ABOUT)
    words.add_argument("filters", nargs="*", metavar="FILTER", help="KEY OPERATOR VALUE, in quotes")
    words.add_argument(
        "--sort", metavar="KEY", help="by a setting or a metric, the smallest first (default: age)"
    )
    words.add_argument("--reverse", action="store_true", help="the largest first")
    words.add_argument(
        "--limit",
        type=_count,
        metavar="N",
        help=f"the first N (without --sort: the latest N; default: {LISTED} in a table)",
    )
    form = words.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="every setting and metric, for programs")
    form.add_argument("--csv", action="store_true", help="the same as a table, a row a run")
    form.add_argument("--paths", action="store_true", help="the folders alone, a line each")
    return words


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text} is no whole number from 0")
    return int(text)


def _print(chosen: list[Entry], known: int, extra: list[str], flags: Namespace) -> None:
    if flags.json:
        say(json_text([_everything(each) for each in chosen]))
    elif flags.csv:
        rows = [_everything(each) for each in chosen]
        columns = list(dict.fromkeys(key for row in rows for key in row))
        writer = csv.DictWriter(sys.stdout, columns)
        writer.writeheader()
        writer.writerows({key: csv_cell(value) for key, value in row.items()} for row in rows)
    elif flags.paths:
        for each in chosen:
            say(one_line(str(each.path)))
    else:
        _table(chosen, known, [key for key in extra if key not in _SHOWN], flags.outputs)


def _everything(entry: Entry) -> dict[str, Any]:
    """Return every setting and metric of a run, as plain values."""
    own = {key: entry.value(key) for key in ("folder", "state", "days", "minutes", "started", "commit")}
    return {**own, "signature": entry.value("signature"), **entry.metrics, **entry.settings}


def _table(chosen: list[Entry], known: int, extra: list[str], outputs: Path) -> None:
    from rich.table import Column
    from rich.text import Text

    from etude.reports.cells import numbers, plain_table

    own, usual = set_apart(chosen)
    table = plain_table(
        *(Column(heading, no_wrap=True) for heading in ("state", "age")),
        *numbers("test nats", "accuracy"),
        *numbers(*extra, no_wrap=False),
        Column("set apart by", overflow="fold"),
        Column(f"folder in {outputs}", no_wrap=True),
    )
    for entry, changed in zip(chosen, own, strict=True):
        metrics = [entry.value("test/nats"), entry.value("test/accuracy")]
        cells = [_number(metrics[0], ".3f"), _number(metrics[1], ".1%")]
        cells += [_cell(entry.value(key)) for key in extra]
        apart = " ".join(f"{key}={as_text(value)}" for key, value in changed.items() if key not in extra)
        table.add_row(
            Text(entry.state, style=_STYLES.get(entry.state, "")),
            _age(entry.days),
            *(Text(one_line(text)) for text in (*cells, apart, entry.name)),
        )
    out = output_console()
    out.print(table)
    if usual and len(chosen) > 2:
        out.print(
            "most have: " + " ".join(f"{k}={as_text(v)}" for k, v in usual.items()), style="dim", markup=False
        )
    if not known:
        out.print("no runs yet; etude train makes one")
    elif len(chosen) == LISTED < known:
        out.print(f"{LISTED} of {known} runs; --limit {known} lists all")
    else:
        out.print(f"{len(chosen)} of {known} runs")


def _number(value: Any, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else "–"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else as_text(value)


def _age(days: float) -> str:
    for size, unit in ((1, "d"), (1 / 24, "h"), (1 / 1440, "min")):
        if days >= size:
            return f"{days / size:.0f} {unit}"
    return "now"


def _sync(words: Sequence[str]) -> int:
    parser = Words("runs sync", "Print the commands that send offline W&B runs to the server.")
    parser.add_argument(
        "runs", nargs="*", metavar="RUN", help="these alone; a folder, or the start of its name"
    )
    parser.add_argument("--go", action="store_true", help="run the commands, one after the other")
    parser.add_argument(
        "--minutes",
        type=float,
        default=5.0,
        metavar="N",
        help="give up a command after so long, since W&B retries for ever (default: 5)",
    )
    flags = parser.read(words)
    chosen = [find(flags.outputs, word) for word in flags.runs] or entries(flags.outputs)
    waiting = [folder for each in chosen for folder in _offline(each.path)]
    if not waiting:
        say("no W&B run waits to be sent")
        return 0
    for number, folder in enumerate(waiting, start=1):
        say(shlex.join(["wandb", "sync", str(folder)]), flush=True)
        if flags.go and (why := _sent(folder, flags.minutes)):
            raise EtudeError(f"{folder} was not sent: {why}; {number - 1} of {len(waiting)} were")
    return 0


def _offline(run: Path) -> list[Path]:
    """Return the offline W&B runs not sent yet, those without the mark that `wandb sync` leaves."""
    folders = sorted((run / "wandb").glob("offline-run-*"))
    return [folder for folder in folders if not list(folder.glob("*.wandb.synced"))]


def _sent(folder: Path, minutes: float) -> str:
    """Send one W&B run; return the error, "" for success."""
    command = [sys.executable, "-m", "wandb", "sync", str(folder)]
    try:
        done = subprocess.run(command, timeout=minutes * 60, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"no answer in {minutes:g} minutes (--minutes gives it longer)"
    return "" if done.returncode == 0 else f"wandb sync ended with exit code {done.returncode}"
