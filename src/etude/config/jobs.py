"""Running one job: call a verb's function on a configuration and return its outcome."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from etude.config.hydra_adapter import Hydra
from etude.config.problems import ConfigError, Problem
from etude.config.validation import invalid_values
from etude.errors import EtudeError, is_of_space, refused_place
from etude.interrupts import interrupts_kept
from etude.processes import load


@dataclass(frozen=True)
class Outcome:
    """Outcome of a job: its ``result``, or the ``error`` that ended it ("" if none).

    ``trace`` is the full traceback of an unexpected error, "" for one that the user can correct.
    ``can_resume``: the same line continues the job, as after a full disk.
    """

    overrides: tuple[str, ...]
    result: Any = None
    error: str = ""
    trace: str = ""
    can_resume: bool = False


def attempt(target: str, config: DictConfig, overrides: Sequence[str], *, exits: bool = False) -> Outcome:
    """Call ``module:function`` on a configuration; return an error as an Outcome.

    ``exits``: let a SystemExit through, which among several jobs would end the others too.
    """
    try:
        with interrupts_kept():
            return Outcome(tuple(overrides), load(target)(config))
    except EtudeError as error:
        return Outcome(tuple(overrides), error=str(error))
    except (Exception, SystemExit) as error:
        if exits and isinstance(error, SystemExit):
            raise
        if _is_of_memory(error):
            return Outcome(tuple(overrides), error=f"not enough memory: {_SMALLER}")
        if refused := refused_place(error):
            return Outcome(tuple(overrides), error=refused, can_resume=is_of_space(error))
        message = f"{type(error).__name__}: {error}"
        return Outcome(tuple(overrides), error=message, trace=traceback.format_exc())


_SMALLER = (
    "make data.batch_size, data.eval_batch_size, data.sequence_len, sampling.num_samples or a size of the "
    "model smaller"
)


def _is_of_memory(error: BaseException) -> bool:
    """Return whether an error is PyTorch's or Python's out-of-memory, without importing PyTorch."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    words = ("DefaultCPUAllocator", "out of memory", "Storage size calculation overflowed")
    return isinstance(error, RuntimeError) and any(each in str(error) for each in words)


def run_single(hydra: Hydra, config_name: str, lines: Sequence[str], target: str) -> Outcome:
    """Run a single job in this process, through Hydra."""

    def task(config: DictConfig) -> Outcome:
        return attempt(target, settled(config), HydraConfig.get().overrides.task, exits=True)

    outcome: Outcome = hydra.run(config_name, task, [*lines, "hydra.mode=RUN"]).return_value
    return outcome


def settled(config: DictConfig) -> DictConfig:
    """Resolve a job's configuration; check the values that a search has just chosen."""
    problems = [Problem(f"{invalid.key}={invalid.value}", invalid.why) for invalid in invalid_values(config)]
    if problems:
        raise ConfigError(problems, "etude")
    OmegaConf.resolve(config)
    return config


def print_table(outcomes: Sequence[Outcome]) -> None:
    """Print one line per job: its own settings, and its result or error."""
    from rich.table import Table
    from rich.text import Text

    from etude.terminal import SafeConsole

    table = Table("job", "overrides", "result")
    shared = (
        set.intersection(*(set(outcome.overrides) for outcome in outcomes)) if len(outcomes) > 1 else set()
    )
    for number, outcome in enumerate(outcomes, start=1):
        own = " ".join(override for override in outcome.overrides if override not in shared)
        result = "" if outcome.result is None else str(outcome.result)
        table.add_row(str(number), Text(own), Text(f"error: {outcome.error}" if outcome.error else result))
    SafeConsole().print(table)
