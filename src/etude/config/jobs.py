"""Running the jobs of a plan: one, or a multirun in which no job's failure stops the others."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from etude.config.plan import Plan
from etude.config.problems import ConfigError, Problem
from etude.config.walk import faults
from etude.errors import EtudeError


@dataclass(frozen=True)
class Outcome:
    """What came of a job: its ``result``, or the ``error`` that ended it ("" if none).

    ``trace`` is the full traceback of an unexpected error, "" for one that the user can mend.
    """

    overrides: tuple[str, ...]
    result: Any = None
    error: str = ""
    trace: str = ""


class Task:
    """What Hydra calls for each job: runs ``module:function`` on the checked, resolved configuration.

    Errors come back as an Outcome, because Hydra shows only the first of several, and not whose it was. A
    search gets the bare result and the exceptions, because it has to learn from them.
    """

    def __init__(self, target: str, plan: Plan) -> None:
        self.target = target
        self.plan = plan
        self.outcomes: list[Outcome] = []  # of the jobs that ran in this process

    def __call__(self, config: DictConfig) -> Any:
        """Run one job; return its Outcome, or in a search its result."""
        overrides = tuple(HydraConfig.get().overrides.task)
        if self.plan.multirun:
            _announce(overrides, len(self.plan.jobs))
        outcome = self._outcome(config, overrides)
        self.outcomes.append(outcome)
        if self.plan.multirun and outcome.error:
            print(outcome.trace or f"error: {outcome.error}", file=sys.stderr, flush=True)
        return outcome.result if self.plan.search else outcome

    def _outcome(self, config: DictConfig, overrides: tuple[str, ...]) -> Outcome:
        try:
            return Outcome(overrides, load(self.target)(_checked(config)))
        except EtudeError as error:
            if self.plan.search:
                raise
            return Outcome(overrides, error=str(error))
        except (Exception, SystemExit) as error:
            # an exit asked for by one job of several must not end the others
            if self.plan.search or (isinstance(error, SystemExit) and not self.plan.multirun):
                raise
            return Outcome(overrides, error=f"{type(error).__name__}: {error}", trace=traceback.format_exc())


def load(target: str) -> Callable[[DictConfig], Any]:
    """Import ``module:function``."""
    module, _, name = target.partition(":")
    found: Callable[[DictConfig], Any] = getattr(import_module(module), name)
    return found


def run(hydra: Hydra, config_name: str, lines: Sequence[str], task: Task) -> list[Outcome]:
    """Run the jobs of the task's plan through Hydra, launchers and sweepers included; say what came of each.

    Of a search, only the jobs that ran in this process are returned: where the others ran, it alone knows.
    """
    if not task.plan.multirun:
        return [hydra.run(config_name, task, [*lines, "hydra.mode=RUN"]).return_value]
    returned = hydra.multirun(config_name, task, [*lines, "hydra.mode=MULTIRUN"])
    if task.plan.search:
        return task.outcomes
    return [job.return_value for batch in returned for job in batch]


def print_table(outcomes: Sequence[Outcome]) -> None:
    """Print one line per job: what set it apart, and its result or its error."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("job", "overrides", "result")
    shared = (
        set.intersection(*(set(outcome.overrides) for outcome in outcomes)) if len(outcomes) > 1 else set()
    )
    for number, outcome in enumerate(outcomes, start=1):
        own = " ".join(override for override in outcome.overrides if override not in shared)
        result = (
            f"error: {outcome.error}"
            if outcome.error
            else ""
            if outcome.result is None
            else str(outcome.result)
        )
        table.add_row(str(number), Text(own), Text(result))
    Console().print(table)


def _announce(overrides: tuple[str, ...], jobs: int) -> None:
    number = HydraConfig.get().job.num + 1
    of = f" of {jobs}" if jobs else ""
    print(f"job {number}{of}: {' '.join(overrides)}", file=sys.stderr, flush=True)


def _checked(config: DictConfig) -> DictConfig:
    """Resolve a job's configuration; a search's values, unknown beforehand, are checked here."""
    problems = [Problem(f"{fault.key}={fault.value}", fault.why) for fault in faults(config)]
    if problems:
        raise ConfigError(problems, "etude")
    OmegaConf.resolve(config)
    return config
