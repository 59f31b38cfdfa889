"""Optuna's side of a search: its study in SQLite, samplers, distributions, and the watcher of a trial."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from etude.errors import EtudeError
from etude.sweeps.settings import SearchSettings

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

STUDY = "search"  # its name in the database


def open_study(storage: str, prune_after: int | None) -> Study:
    """Open the study of a search, or make it; EtudeError if Optuna is not installed."""
    try:
        import optuna
    except ImportError:
        raise EtudeError("hydra/sweeper=optuna needs Optuna: pip install optuna") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner: Any = optuna.pruners.NopPruner()
    if prune_after is not None:
        pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=prune_after - 1)
    # several processes write to it, and wait for each other
    database = optuna.storages.RDBStorage(storage, engine_kwargs={"connect_args": {"timeout": 60}})
    return optuna.create_study(storage=database, study_name=STUDY, pruner=pruner, load_if_exists=True)


class TrialWatcher:
    """Reports a training's validation loss to the study, and says whether to prune it.

    A trial that has ended, and is continued by itself, is neither reported nor pruned.
    """

    def __init__(self, storage: str, trial: int, prune_after: int | None) -> None:
        from optuna.trial import Trial

        self._trial = Trial(open_study(storage, prune_after), trial)
        self._has_ended = self._trial.storage.get_trial(trial).state.is_finished()

    def __call__(self, epoch: int, nats: float) -> bool:
        """Report the validation loss after ``epoch``, counted from 0; an epoch reported again is ignored."""
        if self._has_ended:
            return False
        if math.isfinite(nats):
            self._trial.report(nats, epoch)
        return self._trial.should_prune()


def sampler(settings: SearchSettings, place: int) -> Any:
    """Return a sampler for one trial, seeded by its place, so that a continued search proposes the same."""
    from optuna.samplers import RandomSampler, TPESampler

    digest = hashlib.sha256(f"{settings.seed} {place}".encode()).digest()
    seed = int.from_bytes(digest[:4], "big")
    return TPESampler(seed=seed) if settings.sampler == "tpe" else RandomSampler(seed=seed)


def distribution(override: Override) -> BaseDistribution:
    """Return the distribution of a swept override; values without an order are a choice between texts."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value = override.value()
    log = "log" in getattr(value, "tags", ())
    if isinstance(value, IntervalSweep):
        low, high = value.start, value.end
        if isinstance(low, int) and isinstance(high, int):
            return IntDistribution(low, high, log=log)
        return FloatDistribution(float(low or 0), float(high or 0), log=log)
    if isinstance(value, RangeSweep) and not value.shuffle:
        numbers = list(value.range())
        if len(numbers) > 1 and all(isinstance(number, int) for number in numbers):
            return IntDistribution(min(numbers), max(numbers), step=abs(numbers[1] - numbers[0]))
    return CategoricalDistribution(list(dict.fromkeys(map(str, override.sweep_string_iterator()))))
