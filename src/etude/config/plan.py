"""The jobs of a command line, all checked before the first starts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from etude.config.combinations import combinations, zip_problems
from etude.config.compose import Checker, in_order
from etude.config.frozen import Freezer, FrozenJob
from etude.config.hydra_adapter import BASIC_SWEEPER
from etude.config.problems import ConfigError, Problem
from etude.config.validation import find
from etude.config.variations import Variations


@dataclass(frozen=True)
class Plan:
    """Jobs to run: the overrides of each, or a ``search`` that chooses them while it runs.

    ``frozen``: the same jobs of a multirun with every value settled, so that files may change from now on.
    """

    multirun: bool
    jobs: tuple[tuple[str, ...], ...]
    search: bool = False
    frozen: tuple[FrozenJob, ...] = field(default=(), compare=False)
    zipped: tuple[str, ...] = ()


def plan(
    checker: Checker,
    lines: Sequence[str],
    command: str,
    *,
    multirun: bool,
    may_miss: bool = False,
    target: str = "",
    zipped: Sequence[str] = (),
) -> Plan:
    """Expand a command line into its jobs and check each; ConfigError names every problem once.

    ``multirun`` is Hydra's `-m`; without it, `hydra.mode=MULTIRUN` in a file or an override does the same.
    ``may_miss``: values may be missing, as when the configuration is only shown. ``target`` is what the jobs
    will call, "module:function". ``zipped``: swept keys whose values are taken together.
    """
    parsed = [checker.parse(line) for line in lines]
    problems = [each for each in parsed if isinstance(each, Problem)]
    overrides = [each for each in parsed if isinstance(each, Override)]
    master = _master(checker, overrides)
    if master is not None and str(master.hydra.mode).endswith("MULTIRUN"):
        multirun = True
    search = multirun and master is not None and master.hydra.sweeper._target_ != BASIC_SWEEPER
    frozen: list[FrozenJob] = []
    if multirun:
        own = _sweeper_params(checker, master)
        jobs, found, frozen = _multirun(
            checker, overrides, own, Freezer(checker, target), search=search, zipped=zipped
        )
    else:
        config, found = checker.check(lines, may_miss=may_miss)
        jobs, found = [tuple(lines)], [*found, *([] if may_miss else _folder_problems(config))]
    problems += found
    if problems:
        raise ConfigError(in_order(problems, lines), command)
    return Plan(multirun, tuple(jobs), search, tuple(frozen), tuple(zipped))


def _multirun(
    checker: Checker,
    overrides: Sequence[Override],
    params: Sequence[Override],
    freezer: Freezer,
    *,
    search: bool,
    zipped: Sequence[str],
) -> tuple[list[tuple[str, ...]], list[Problem], list[FrozenJob]]:
    hydras = [override for override in overrides if override.is_hydra_override()]
    own = [*params, *(override for override in overrides if not override.is_hydra_override())]
    swept_settings = [override for override in hydras if override.is_sweep_override()]
    problems = [Problem(str(each.input_line), _NO_SETTINGS) for each in swept_settings]
    settings = _lines(override for override in hydras if not override.is_sweep_override())
    if search:
        problems += [Problem("--zip", _NO_ZIP)] if zipped else []
        return [], [*problems, *_search_problems(checker, settings, own)], []
    intervals = [override for override in own if override.is_interval_sweep()]
    problems += [Problem(str(each.input_line), _NO_INTERVAL) for each in intervals]
    discrete = [override for override in own if not override.is_interval_sweep()]
    swept = [override.key_or_group for override in intervals]
    if unequal := zip_problems(discrete, zipped):
        return [], [*problems, *unequal], []
    jobs = combinations(discrete, zipped)
    variations, frozen = Variations(checker, freezer, settings, swept), []
    for job in jobs:
        made, config, found = variations.freeze(job)
        problems += [*found, *_folder_problems(config)]
        if made is not None:
            frozen.append(made)
    if not jobs:
        problems.append(Problem("--multirun", _NO_VALUES))
    return jobs, problems, frozen


def plan_lines(plan: Plan, typed: Sequence[str]) -> list[str]:
    """Return a sweep in words, for the terminal: its jobs, and what differs between them."""
    if plan.search:
        return [
            "a search; it chooses the values of each job while it runs:",
            *(f"  {line}" for line in typed),
        ]
    shared = set.intersection(*map(set, plan.jobs))
    lines = [f"{len(plan.jobs)} job{'s' * (len(plan.jobs) > 1)}; nothing was run"]
    lines += [
        f"  {number:03}  {' '.join(line for line in job if line not in shared)}".rstrip()
        for number, job in enumerate(plan.jobs, start=1)
    ]
    return [*lines, f"all: {' '.join(line for line in plan.jobs[0] if line in shared)}"] if shared else lines


_FOLDERS = ("outputs_dir", "data.data_dir")  # that are written to, and made where they are lacking
_NO_ZIP = "takes values together, and a search chooses its own; leave it out"
_NO_VALUES = "sweeps over nothing: one of the ranges is empty"
_NO_SETTINGS = "is Hydra's own setting, which cannot be swept"
_NO_INTERVAL = "needs a search, such as hydra/sweeper=optuna; to try every value, list them or use range(...)"


def _search_problems(checker: Checker, settings: list[str], own: Sequence[Override]) -> list[Problem]:
    """Check the fixed values of a search and each value that it may choose."""
    swept = [override for override in own if override.is_sweep_override()]
    keys = [override.key_or_group for override in swept]
    plain = [*settings, *_lines(override for override in own if not override.is_sweep_override())]
    config, problems = checker.check(plain, swept=keys)
    problems += _folder_problems(config)
    for override in swept:
        if override.is_discrete_sweep():
            values = list(override.sweep_string_iterator())
            problems += [] if values else [Problem(str(override.input_line), _NO_VALUES)]
            for value in values:
                job = [*plain, f"{override.get_key_element()}={value}"]
                others = [key for key in keys if key != override.key_or_group]
                problems += checker.check(job, swept=others)[1]
        elif config is not None and not find(config, override.key_or_group).exists:
            problems.append(checker.unknown(str(override.input_line), config))
        else:
            problems += _interval_problems(checker, plain, override, keys)
    return problems


def _interval_problems(
    checker: Checker, plain: list[str], override: Override, keys: Sequence[str]
) -> list[Problem]:
    """Check both ends of an interval; report problems under the override as typed."""
    interval: Any = override.value()
    key, others = override.get_key_element(), [key for key in keys if key != override.key_or_group]
    found = [
        problem
        for end in (interval.start, interval.end)
        for problem in checker.check([*plain, f"{key}={end}"], swept=others)[1]
    ]
    hint = "; of whole numbers: int(interval(...))" if isinstance(interval.start, float) else ""
    reasons = [f"{each.what.partition('=')[2]} {each.why}{hint}" for each in found]
    return [Problem(str(override.input_line), why) for why in [*_range_complaints(interval), *reasons]]


def _range_complaints(interval: Any) -> Iterator[str]:
    """Return why an interval cannot be sampled."""
    low, high = interval.start, interval.end
    if not (math.isfinite(low) and math.isfinite(high)):
        yield "must have two finite ends"
    elif low > high:
        yield f"ends below its beginning; turn it round: interval({high}, {low})"
    if "log" in interval.tags and min(low, high) <= 0:
        yield f"is logarithmic, so it must begin above 0, not at {min(low, high)}"


def _folder_problems(config: DictConfig | None) -> Iterator[Problem]:
    """Return a Problem for each output folder whose path is a file."""
    if config is None:
        return
    for key in _FOLDERS:
        with suppress(OmegaConfBaseException):  # a value that cannot be resolved is a problem of its own
            folder = Path(OmegaConf.select(config, key) or ".")
            if any(place.exists() and not place.is_dir() for place in (folder, *folder.parents)):
                yield Problem(f"{key}={folder}", "is a file, or below one; a folder is wanted")


def _sweeper_params(checker: Checker, master: DictConfig | None) -> list[Override]:
    """Return the sweep in hydra.sweeper.params as typed overrides."""
    params = None if master is None else master.hydra.sweeper.get("params")
    parsed = [checker.parse(f"{key}={value}") for key, value in (params or {}).items()]
    return [override for override in parsed if isinstance(override, Override)]


def _master(checker: Checker, overrides: Sequence[Override]) -> DictConfig | None:
    """Compose the configuration that decides how to run: group choices and Hydra's settings, no sweeps."""
    plain = [override for override in overrides if not override.is_sweep_override()]
    return checker.base(_lines(override for override in plain if checker.is_structure(override)))[0]


def _lines(overrides: Iterable[Override]) -> list[str]:
    return [str(override.input_line) for override in overrides]
