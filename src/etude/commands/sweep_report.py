"""``etude sweep-report FOLDER ...``: a sweep, or any set of runs, seen as a whole."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def sweep_report(words: Sequence[str]) -> int:
    """Print the table, and write it as CSV and as a page; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="etude sweep-report",
        description="Compare the runs of a sweep or of any folders: a table, table.csv, report.html.",
    )
    parser.add_argument("folders", nargs="+", type=Path, help="a sweep, runs, or folders that hold runs")
    parser.add_argument("-o", "--out", type=Path, help="where to write; the first folder if not given")
    asked = parser.parse_args(words)

    from etude.files import atomic_write
    from etude.reports.sweep_page import sweep_page
    from etude.reports.sweeps import as_csv, print_rows
    from etude.sweeps.ledger import Sweep
    from etude.sweeps.rows import rows_of

    rows = rows_of(asked.folders)
    out: Path = asked.out or asked.folders[0]
    out.mkdir(parents=True, exist_ok=True)
    title = ", ".join(folder.name for folder in asked.folders)
    sweep = Sweep(asked.folders[0])
    print_rows(rows, title)
    atomic_write(out / "table.csv", as_csv(rows).encode())
    atomic_write(out / "report.html", sweep_page(rows, title, sweep.command).encode())
    print(f"\n2 files written:\n  {out / 'table.csv'}\n  {out / 'report.html'}")
    if sweep.tracked:
        print(f"in W&B: {sweep.tracked} (offline runs once `etude runs sync --go` has sent them)")
    return 0
