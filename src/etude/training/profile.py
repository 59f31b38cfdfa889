"""Profile: the table of where a training's time went; and none, at no cost."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext

import pytorch_lightning as pl
from pytorch_lightning.profilers import PassThroughProfiler, SimpleProfiler
from rich.console import RenderableType
from rich.text import Text

from etude.reports.cells import numbers, plain_table

ROWS = 20  # the slowest actions; train.log has them all


class NoProfiler(PassThroughProfiler):
    """Profiler that measures nothing; Lightning's own enters a generator 130 times a step all the same."""

    _nothing: AbstractContextManager[None] = nullcontext()

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # type: ignore[override]
        """Return a context that does nothing."""
        return self._nothing


def profile_report(trainer: pl.Trainer) -> RenderableType:
    """Return the slowest actions of a simple profile; of another profile the profiler's own report."""
    profiler = trainer.profiler  # type: ignore[attr-defined]  # Lightning sets it without declaring it
    if not isinstance(profiler, SimpleProfiler):
        return Text(profiler.summary())
    totals = {action: (sum(times), len(times)) for action, times in profiler.recorded_durations.items()}
    table = plain_table("action", *numbers("calls", "mean, ms", "total, s"), title="profile")
    table.title_justify = "left"
    for action, (total, calls) in sorted(totals.items(), key=lambda item: -item[1][0])[:ROWS]:
        name = re.sub(r"\{.*\}", "", action)  # arguments of a ModelCheckpoint
        table.add_row(Text(name), f"{calls:,}", f"{total / calls * 1000:.3f}", f"{total:.3f}")
    return table
