"""``etude watch RUN|SWEEP``: follow a training or a sweep from another terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etude.commands.arguments import Words
from etude.errors import EtudeError
from etude.runs.catalogue import LATEST, find
from etude.runs.folder import RunFolder
from etude.runs.status import RunState
from etude.terminal import one_line, output_console

if TYPE_CHECKING:
    from etude.sweeps.sweep_folder import Sweep

_ABOUT = """\
Follow a run or a sweep of another process: epoch, step, losses, speed and time left as they come,
its samples once they are written, and how it ends. Ctrl-C ends the watching alone."""

EVERY = 1.0  # seconds between two looks
PAUSE = 30.0  # seconds without a running trial after which a search is taken to have ended
_OPEN = (RunState.NEW, RunState.QUEUED, RunState.RUNNING)


def watch(words: Sequence[str]) -> int:
    """Follow a run or a sweep until it ends; return 0 if it is done, 1 if it ended otherwise."""
    parser = Words("watch", _ABOUT)
    parser.add_argument(
        "run",
        nargs="?",
        default=LATEST,
        help="a run or a sweep: its folder, or the start of its name (latest)",
    )
    flags = parser.read(words)
    try:
        if (sweep := _sweep(flags.run, flags.outputs)) is not None:
            return _watch_sweep(sweep)
        return _watch_run(find(flags.outputs, flags.run).path)
    except KeyboardInterrupt:
        output_console().print(f"watching ended; {flags.run} goes on")
        return 0


def _sweep(word: str, outputs: Path) -> Sweep | None:
    """Return the sweep of a folder, or of the beginning of its name; None if none is meant."""
    from etude.plain_names import SWEEPS
    from etude.sweeps.sweep_folder import Sweep

    if (Path(word) / "jobs").is_dir():
        return Sweep(Path(word))
    found = [path for path in (outputs / SWEEPS).glob("*/") if path.name.startswith(word)]
    if len(found) > 1:
        names = ", ".join(sorted(one_line(path.name) for path in found))
        raise EtudeError(f"{word} may mean any of {len(found)} sweeps; type more of one: {names}")
    return Sweep(found[0]) if found else None


def _watch_run(path: Path) -> int:
    from rich.live import Live
    from rich.text import Text

    from etude.runs.progress import RunProgress

    run = RunFolder(path)
    follower, out = RunProgress(run), output_console()
    out.print(Text(f"watching {one_line(str(path))}; Ctrl-C ends the watching, not the training"))
    with Live(console=out, auto_refresh=False, transient=True) as live:
        while True:
            progress, ended = follower.look()
            for line in ended:
                out.print(Text(line))
            for folder in follower.new_samples():
                out.print(Text(f"samples: {one_line(str(folder))}"))
            if progress.state not in _OPEN:
                break
            if out.is_terminal:
                live.update(Text(f"{progress.state}: {progress.line}", no_wrap=True), refresh=True)
            time.sleep(EVERY)
    out.print(Text(one_line(_ending(run, progress.state))))
    return 0 if progress.state == RunState.DONE else 1


def _ending(run: RunFolder, state: RunState) -> str:
    """Return how a run ended, in a line."""
    if state == RunState.DONE:
        test = run.results.get("test") or {}
        nats = f", {test['nats']:.3f} nats/token on the test set" if "nats" in test else ""
        return f"done{nats}: {run.path}"
    error = run.status.get("error")
    return f"{state}{f': {error}' if error else ''} (see {run.log})"


def _watch_sweep(sweep: Sweep) -> int:
    from etude.sweeps.progress_view import ENDED, LOOKS, RunningTrainings, SweepView

    out = output_console()
    view, running = SweepView(sweep, out), RunningTrainings(sweep)
    out.print(f"watching {one_line(str(sweep.path))}; Ctrl-C ends the watching, not the sweep", markup=False)
    quiet_since = time.monotonic()
    with view.bar:
        while True:
            states = view.update()
            running.show(view.bar, [name for name, state in states.items() if state == RunState.RUNNING])
            if not all(state in ENDED for state in states.values()):
                quiet_since = time.monotonic()
            elif sweep.ledger or time.monotonic() - quiet_since > PAUSE:
                break
            time.sleep(max(EVERY, len(states) / LOOKS))
    done = sum(state in (RunState.DONE, RunState.PRUNED) for state in states.values())
    out.print(f"{done} of {len(states)} jobs are done; etude sweep-report {sweep.path}", markup=False)
    return 0 if done == len(states) else 1
