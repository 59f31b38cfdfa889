"""Run every benchmark beside its alternative; print a table, and write it as JSON.

    python benchmarks/bench.py [--quick | --smallest] [--only NAME] [--json FILE] [--into PAGE]

`make bench` is to take under 20 minutes on two cores, `make bench-quick` under 4. Each benchmark is a file
here with ``rows(scale)``, and runs in a process of its own. Most figures are processor time, which
other work on the machine changes little. ``--into`` writes the table between the marks of a Markdown page.
An alternative that is not installed leaves its cells empty: `pip install -e '.[bench]'` brings them all. A
benchmark that fails is named at the end, and the others run all the same; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import about, heading, print_table
from rows import Row, Scale

BENCHMARKS = ("prepare", "training_step", "sampling", "sweep_overhead", "start", "streaming", "growth")
MARKS = re.compile(r"(<!-- make bench -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD = ("", "measured", "beside", "its figure", "times better", "wanted")


def main(scale: Scale, only: str, output: Path, page: Path | None) -> int:
    """Run the benchmarks; return the exit code."""
    print(heading(f"make bench, {scale}"), flush=True)
    started = time.perf_counter()
    found: dict[str, list[Row]] = {}
    failed = []
    for name in BENCHMARKS:
        if only in name:
            rows = alone(name, scale)
            if rows is None:
                failed.append(name)
            found[name] = rows or []
            print(f"{name}: after {time.perf_counter() - started:.0f} s", flush=True)
    print()
    print_table([HEAD, *(cells(row) for rows in found.values() for row in rows)])
    minutes = (time.perf_counter() - started) / 60
    print(f"\n{minutes:.1f} minutes; {output}")
    output.parent.mkdir(parents=True, exist_ok=True)
    stored = {name: [row._asdict() | {"ratio": row.ratio} for row in rows] for name, rows in found.items()}
    content = {**about(), "scale": scale, "minutes": round(minutes, 1), "failed": failed, "rows": stored}
    output.write_text(json.dumps(content, indent=1) + "\n")
    if page is not None:
        write_into(page, [row for rows in found.values() for row in rows], heading(""))
    if failed:
        print(f"failed: {', '.join(failed)}; what they said is above", file=sys.stderr)
    return int(bool(failed))


def alone(name: str, scale: Scale) -> list[Row] | None:
    """Run a benchmark in a process of its own; return None if it fails."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        done = subprocess.run([sys.executable, __file__, "--one", name, scale, file.name], check=False)
        if done.returncode:
            return None
        return [Row(*row) for row in json.load(file)]


def one(name: str, scale: Scale, file: Path) -> None:
    """Run a benchmark in this process."""
    rows: list[Row] = importlib.import_module(name).rows(scale)
    file.write_text(json.dumps(rows))


def cells(row: Row) -> list[str]:
    """Return a row of the table."""
    other = "not installed" if row.other is None else f"{number(row.other)} {row.unit}"
    ratio = "" if row.ratio is None else number(row.ratio)
    wanted = "" if row.wanted is None else f"≥ {row.wanted:g}"
    missed = row.wanted is not None and row.ratio is not None and row.ratio < row.wanted
    return [row.what, f"{number(row.value)} {row.unit}", row.beside, other, ratio, wanted + " ✗" * missed]


def number(value: float) -> str:
    """Return three significant digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write_into(page: Path, rows: list[Row], machine: str) -> None:
    """Write the table, below the machine, between the marks of a Markdown page."""
    lines = [HEAD, ["---"] * len(HEAD), *(cells(row) for row in rows)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    content = f"{machine.strip()}\n\n{table}"
    page.write_text(MARKS.sub(lambda marks: marks[1] + content + marks[2], page.read_text()))


def arguments() -> Any:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(scale="full")
    for scale in ("quick", "smallest"):
        parser.add_argument(f"--{scale}", dest="scale", action="store_const", const=scale)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--into", type=Path)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    if given.one:
        one(given.one[0], given.one[1], Path(given.one[2]))
    else:
        sys.exit(main(given.scale, given.only, given.json, given.into))
