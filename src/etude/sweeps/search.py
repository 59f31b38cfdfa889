"""A search: trials proposed by Optuna, each a frozen job in its folder like the jobs of any sweep.

The study is `search.db` (SQLite) in the sweep's folder. A trial is proposed, kept as a job and only then run;
one whose process is killed stays open, and is run on, not proposed anew, when the search is asked for again.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from omegaconf import DictConfig

from etude.config.compose import Checker, plain, resolved
from etude.config.frozen import Freezer
from etude.config.problems import ConfigError
from etude.errors import EtudeError
from etude.files import atomic_write
from etude.runs.query import as_text
from etude.runs.status import State
from etude.stored_files import read_json
from etude.sweeps.engine import is_count, launch
from etude.sweeps.ledger import JobFolder, Sweep, trial_folder
from etude.sweeps.work import SweepTask, objective

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

STUDY = "search"  # its name in the database


@dataclass(frozen=True)
class Settings:
    """What conf/hydra/sweeper/optuna.yaml holds, and explains; EtudeError for values that make no sense."""

    n_trials: int
    sampler: str
    seed: int
    prune_after: int | None
    n_jobs: int

    def __post_init__(self) -> None:
        wants = [] if is_count(self.n_trials) else [("n_trials", "a whole number from 1 is wanted")]
        wants += [] if is_count(self.n_jobs) else [("n_jobs", "a whole number from 1 is wanted")]
        wants += [] if self.sampler in ("tpe", "random") else [("sampler", "tpe or random")]
        if self.prune_after is not None and not is_count(self.prune_after):
            wants.append(("prune_after", "a number of epochs from 1, or null"))
        if wants:
            lines = [f"hydra.sweeper.{key}={as_text(getattr(self, key))}: {what}" for key, what in wants]
            raise EtudeError("\n".join(lines))


def settings_of(sweeper: DictConfig) -> Settings:
    """Return what hydra.sweeper tells a search; EtudeError for settings that it lacks or does not know."""
    given = {key: value for key, value in plain(sweeper).items() if key not in ("_target_", "params")}
    known = [field.name for field in fields(Settings)]
    wrong = [f"{key}: no such setting; there are {', '.join(known)}" for key in given if key not in known]
    wrong += [f"{key}: must be given" for key in known if key not in given]
    if wrong:
        raise EtudeError("\n".join(f"hydra.sweeper.{each}" for each in wrong))
    return Settings(**given)


class TrialWatcher:
    """Tells the study how a trial's training goes, from the process that trains; True: others did better.

    A trial that has ended, and is trained on by itself, is nothing to the study any more.
    """

    def __init__(self, storage: str, trial: int, prune_after: int | None) -> None:
        from optuna.trial import Trial

        self._trial = Trial(_study(storage, prune_after), trial)
        self._has_ended = self._trial.storage.get_trial(trial).state.is_finished()

    def __call__(self, epoch: int, nats: float) -> bool:
        """Take the validation loss after ``epoch``, counted from 0; told again, an epoch does not count."""
        if self._has_ended:
            return False
        if math.isfinite(nats):
            self._trial.report(nats, epoch)
        return self._trial.should_prune()


def search(
    task: SweepTask, loader: Any, config: DictConfig, lines: Sequence[str], settings: Settings
) -> None:
    """Run trials of the search that ``lines`` ask for until it has ``settings.n_trials``."""
    found = _Search(task, loader, config, lines, settings)
    open_trials = found.unfinished()
    while batch := (open_trials[: settings.n_jobs] or found.proposed()):
        open_trials = open_trials[settings.n_jobs :]
        found.run(batch)
    found.say_best()


class _Search:
    def __init__(
        self, task: SweepTask, loader: Any, config: DictConfig, lines: Sequence[str], settings: Settings
    ) -> None:
        self._sweep, self._target, self._settings = Sweep(task.sweep), task.target, settings
        self._master, self._name = config, str(config.hydra.job.config_name)
        self._checker = Checker(loader, self._name)
        self._freezer = Freezer(self._checker, self._target)
        overrides = [each for each in map(self._checker.parse, lines) if isinstance(each, Override)]
        swept = [override for override in overrides if override.is_sweep_override()]
        self._hydras = [str(line) for line in config.hydra.overrides.hydra]
        self._fixed = [str(override.input_line) for override in overrides if override not in swept]
        self._storage = f"sqlite:///{(self._sweep.path / 'search.db').resolve()}"
        self._study = _study(self._storage, settings.prune_after)
        self._space = {override.get_key_element(): _distribution(override) for override in swept}
        self._refuse_a_change([override.key_or_group for override in swept])
        self._launched = 0

    def trials(self) -> list[FrozenTrial]:
        """Return the trials in their order; without those whose proposal was cut off by a kill."""
        return [each for each in self._study.get_trials() if each.params.keys() == self._space.keys()]

    def unfinished(self) -> list[tuple[int, FrozenTrial]]:
        """Return the trials that were proposed and have not ended, with their places in the search."""
        numbered = enumerate(self.trials(), start=1)
        return [(place, trial) for place, trial in numbered if not trial.state.is_finished()]

    def proposed(self) -> list[tuple[int, FrozenTrial]]:
        """Propose as many new trials as run at a time, and are still wanted."""
        begun = len(self.trials())
        places = range(begun + 1, min(begun + self._settings.n_jobs, self._settings.n_trials) + 1)
        for place in places:
            self._study.sampler = _sampler(self._settings, place)
            self._study.ask(self._space)
        return [(place, self.trials()[place - 1]) for place in places]

    def run(self, batch: Sequence[tuple[int, FrozenTrial]]) -> None:
        """Freeze and run the trials, and tell the study what came of them."""
        folders = {place: self._frozen(place, trial) for place, trial in batch}
        left = [folder.name for folder in folders.values() if not folder.is_kept]
        if left:
            task = SweepTask(self._sweep.path, self._target)
            launch(self._master.copy(), self._name, [[name] for name in left], self._launched, task)
            self._launched += len(left)
        for place, trial in batch:
            print(
                f"trial {place} of {self._settings.n_trials}: {self._tell(folders[place], trial)}",
                file=sys.stderr,
            )

    def say_best(self) -> None:
        """Print the trial with the lowest objective, and how the others ended."""
        from optuna.trial import TrialState

        trials = self.trials()
        ended = {state: sum(trial.state == state for trial in trials) for state in TrialState}
        counts = f"{len(trials)} trials, {ended[TrialState.PRUNED]} pruned, {ended[TrialState.FAIL]} failed"
        if open_ones := ended[TrialState.RUNNING]:
            counts += f", {open_ones} interrupted (the same line runs them on)"
        if ended[TrialState.COMPLETE]:
            best = self._study.best_trial
            print(f"best of {counts}: {best.value:.4f} with {' '.join(_lines(best))}", file=sys.stderr)
        else:
            print(f"{counts}: none has a result", file=sys.stderr)

    def _frozen(self, place: int, trial: FrozenTrial) -> JobFolder:
        chosen = [*self._fixed, *_lines(trial)]
        config, problems = self._checker.check([*self._hydras, *chosen])
        if problems or config is None:
            raise ConfigError(problems, f"etude {self._name}")
        link = {"storage": self._storage, "trial": trial._trial_id, "prune_after": self._settings.prune_after}
        return trial_folder(self._sweep, self._freezer.freeze(config, chosen), f"{place:03}", link)

    def _tell(self, folder: JobFolder, trial: FrozenTrial) -> str:
        from optuna.trial import TrialState

        status = folder.status
        value = objective(status.get("result"))
        if status["state"] == State.DONE and isinstance(value, int | float) and math.isfinite(value):
            self._study.tell(trial.number, float(value))
            return f"{value:.4f} with {' '.join(_lines(trial))}"
        said = f"{status['state']} with {' '.join(_lines(trial))}"
        if status["state"] == State.PRUNED:
            self._study.tell(trial.number, state=TrialState.PRUNED)
        elif status["state"] in (State.DONE, State.FAILED):
            self._study.tell(trial.number, state=TrialState.FAIL)
        return f"{said}: {status['error']}" if status.get("error") else said

    def _refuse_a_change(self, keys: Sequence[str]) -> None:
        """Raise EtudeError if files have changed what every trial shares: values would not be comparable."""
        config, problems = self._checker.check([*self._hydras, *self._fixed], swept=keys)
        if problems or config is None:
            raise ConfigError(problems, f"etude {self._name}")
        now = json.loads(json.dumps(plain(resolved(config))))
        path = self._sweep.path / "shared.json"
        if not path.is_file():
            atomic_write(path, json.dumps(now, indent=1).encode())
        elif read_json(path, dict[str, Any]) != now:
            raise EtudeError(
                f"conf/ has changed since the search in {self._sweep.path} began: {path.name} there has the "
                "values that its trials share. Undo the change, or begin anew with label=WORD"
            )


def _study(storage: str, prune_after: int | None) -> Study:
    try:
        import optuna
    except ImportError:
        raise EtudeError("hydra/sweeper=optuna needs Optuna: pip install optuna") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner: Any = optuna.pruners.NopPruner()
    if prune_after is not None:
        pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=prune_after - 1)
    # several processes write to it, which must not give up when another is at it
    database = optuna.storages.RDBStorage(storage, engine_kwargs={"connect_args": {"timeout": 60}})
    return optuna.create_study(storage=database, study_name=STUDY, pruner=pruner, load_if_exists=True)


def _sampler(settings: Settings, place: int) -> Any:
    """A sampler for one trial, seeded by its place: one for all would begin anew with each asking."""
    from optuna.samplers import RandomSampler, TPESampler

    digest = hashlib.sha256(f"{settings.seed} {place}".encode()).digest()
    seed = int.from_bytes(digest[:4], "big")
    return TPESampler(seed=seed) if settings.sampler == "tpe" else RandomSampler(seed=seed)


def _distribution(override: Override) -> BaseDistribution:
    """Return what a swept override may be; where no order is known, a choice between values as typed."""
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


def _lines(trial: FrozenTrial) -> list[str]:
    return [f"{key}={value}" for key, value in trial.params.items()]
