"""Optuna's side of a search: its study in SQLite, samplers, distributions, and the watcher of a trial."""

from __future__ import annotations

import hashlib
import itertools
import math
import random
from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from etude.errors import EtudeError
from etude.sweeps.settings import SearchSettings

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

_DRAWS = 50  # proposals of a sampler for one trial, until an untried combination is chosen by lot
_LISTED = 100_000  # combinations that are listed to choose one; in a larger space one is easily drawn
STUDY = "search"  # its name in the database


def open_study(storage: str, prune_after: int | None, *, is_there: bool = False) -> Study:
    """Open the study of a search, or make it; EtudeError if Optuna is not installed.

    ``is_there``: it was opened for this search, so that its tables need no check.
    """
    try:
        import optuna
    except ImportError:
        raise EtudeError("hydra/sweeper=optuna needs Optuna: pip install optuna") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner: Any = optuna.pruners.NopPruner()
    if prune_after is not None:
        pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=prune_after - 1)
    # several processes write to it, and wait for each other
    database = optuna.storages.RDBStorage(
        storage,
        engine_kwargs={"connect_args": {"timeout": 60}},
        skip_compatibility_check=is_there,
        skip_table_creation=is_there,
    )
    return optuna.create_study(storage=database, study_name=STUDY, pruner=pruner, load_if_exists=True)


class TrialWatcher:
    """Reports a training's validation loss to the study, and says whether to prune it.

    A trial that has ended, and is continued by itself, is neither reported nor pruned.
    """

    def __init__(self, storage: str, trial: int, prune_after: int | None) -> None:
        from optuna.trial import Trial

        self._trial = Trial(open_study(storage, prune_after, is_there=True), trial)
        self._has_ended = self._trial.storage.get_trial(trial).state.is_finished()

    def __call__(self, epoch: int, nats: float) -> bool:
        """Report the validation loss after ``epoch``, counted from 0; an epoch reported again is ignored."""
        if self._has_ended:
            return False
        if math.isfinite(nats):
            self._trial.report(nats, epoch)
        return self._trial.should_prune()


def ask(study: Study, settings: SearchSettings, place: int, space: Mapping[str, BaseDistribution]) -> None:
    """Begin the trial with this place in a search.

    Its sampler is seeded by the place, so that a continued search proposes the same. In a finite space no
    combination is proposed twice while one is untried.
    """
    from optuna.samplers import RandomSampler, TPESampler
    from optuna.trial import TrialState

    digest = hashlib.sha256(f"{settings.seed} {place}".encode()).digest()
    seed = int.from_bytes(digest[:4], "big")
    study.sampler = TPESampler(seed=seed) if settings.sampler == "tpe" else RandomSampler(seed=seed)
    # one that waits was proposed just before a kill
    if (count := combinations(space)) is not None and not study.get_trials(states=[TrialState.WAITING]):
        tried = {tuple(each.params.get(key) for key in space) for each in study.get_trials()}
        study.enqueue_trial(_proposal(study, space, tried, count, random.Random(seed)))
    study.ask(dict(space))


def combinations(space: Mapping[str, BaseDistribution]) -> int | None:
    """Return the number of combinations of values; None if they are not countable."""
    values = [finite_values(each) for each in space.values()]
    return None if None in values else math.prod(len(each or ()) for each in values)


def finite_values(values: BaseDistribution) -> Sequence[Any] | None:
    """Return every value of a distribution; None if they are not countable."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if isinstance(values, CategoricalDistribution):
        return values.choices
    return range(values.low, values.high + 1, values.step) if isinstance(values, IntDistribution) else None


def _proposal(
    study: Study,
    space: Mapping[str, BaseDistribution],
    tried: Set[tuple[Any, ...]],
    count: int,
    chance: random.Random,
) -> dict[str, Any]:
    """Return what the study's sampler proposes, drawn again if it was tried and another is untried."""
    from optuna.trial import TrialState, create_trial

    trial = create_trial(state=TrialState.RUNNING)
    draws = _DRAWS if len(tried) < count else 1
    for _ in range(draws):
        drawn = {
            key: (finite_values(each) or (None,))[0]
            if each.single()
            else study.sampler.sample_independent(study, trial, key, each)
            for key, each in space.items()
        }
        if tuple(drawn.values()) not in tried:
            return drawn
    if draws > 1 and count <= _LISTED:
        every = itertools.product(*(finite_values(each) or () for each in space.values()))
        return dict(zip(space, chance.choice([each for each in every if each not in tried]), strict=True))
    return drawn


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
