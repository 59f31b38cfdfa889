"""``etude sweep-report FOLDER ...``: report on a sweep or any runs as a table, a CSV file and a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from etude.commands.arguments import Words
from etude.runs.lookup import OUTPUTS
from etude.terminal import say

_ABOUT = """\
Compare the runs of a sweep or of any folders: a table, table.csv, report.html.

With --wandb GROUP the metrics come from the offline W&B runs of that group below the folders (default:
outputs), with --wandb ENTITY/PROJECT/GROUP from those on the server: a row for each training, with the
state of its last attempt."""


def sweep_report(words: Sequence[str]) -> int:
    """Print the table, and write it as CSV and as a page; return the exit code."""
    parser = Words("sweep-report", _ABOUT, outputs=False)
    parser.add_argument("folders", nargs="*", type=Path, help="a sweep, runs, or folders that hold runs")
    parser.add_argument("--wandb", metavar="GROUP", help="take the runs of this group of W&B")
    parser.add_argument("-o", "--out", type=Path, help="where to write; the first folder if not given")
    flags = parser.read(words)
    if not flags.folders and not flags.wandb:
        parser.error("name a folder, as etude train -m prints it, or --wandb GROUP")

    from etude.files import atomic_write
    from etude.reports.sweep_page import sweep_page, sweep_samples
    from etude.reports.sweep_tables import as_csv, print_rows
    from etude.sweeps.report_rows import rows_of
    from etude.sweeps.sweep_folder import Sweep

    if flags.wandb:
        from etude.sweeps.wandb_rows import group_rows

        rows, title = group_rows(flags.wandb, flags.folders or [OUTPUTS]), f"W&B: {flags.wandb}"
        out, command, tracked = flags.out or OUTPUTS / f"wandb-{flags.wandb.rpartition('/')[2]}", "", ""
    else:
        rows, title = rows_of(flags.folders), ", ".join(folder.name for folder in flags.folders)
        sweep = Sweep(flags.folders[0])
        out, command, tracked = flags.out or sweep.path, sweep.command, sweep.tracked
    samples = [] if flags.wandb else sweep_samples(rows)  # what W&B names may be on another machine
    _make(out)
    print_rows(rows, title)
    atomic_write(out / "table.csv", as_csv(rows).encode())
    atomic_write(out / "report.html", sweep_page(rows, title, command, samples).encode())
    say(f"\n2 files written:\n  {out / 'table.csv'}\n  {out / 'report.html'}")
    if tracked:
        say(f"in W&B: {tracked} (offline runs once `etude runs sync --go` has sent them)")
    say(f"\nOpen {out / 'report.html'} in a browser: settings, curves, samples, all jobs to sort and filter.")
    return 0


def _make(folder: Path) -> None:
    """Create the output folder; EtudeError if that fails."""
    from etude.errors import EtudeError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EtudeError(f"{folder} cannot be made a folder to write to: {error.strerror}") from error
