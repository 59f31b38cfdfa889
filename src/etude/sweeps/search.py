"""A search: trials proposed by Optuna, each a frozen job in its folder like the jobs of any sweep.

The study is `search.db` (SQLite) in the sweep's folder. A trial is proposed, then frozen as a job, then
run. One whose process is killed stays open: the same line continues it, and proposes no other in its place.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from etude.config.compose import Checker, plain, resolved
from etude.config.frozen import Freezer
from etude.errors import EtudeError
from etude.files import atomic_write
from etude.runs.status import RunState
from etude.stored_files import read_json
from etude.sweeps.creation import trial_folder
from etude.sweeps.launch import launch
from etude.sweeps.settings import SearchSettings
from etude.sweeps.study import ask, distribution, open_study
from etude.sweeps.sweep_folder import JobFolder, Sweep
from etude.sweeps.tasks import SweepTask, objective

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def search(
    task: SweepTask, loader: Any, config: DictConfig, lines: Sequence[str], settings: SearchSettings
) -> None:
    """Run trials of the search that ``lines`` describe until it has ``settings.n_trials``."""
    found = _Search(task, loader, config, lines, settings)
    open_trials = found.unfinished()
    while batch := (open_trials[: settings.n_jobs] or found.proposed()):
        open_trials = open_trials[settings.n_jobs :]
        found.run(batch)
    found.say_best()


class _Search:
    def __init__(
        self, task: SweepTask, loader: Any, config: DictConfig, lines: Sequence[str], settings: SearchSettings
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
        self._study = open_study(self._storage, settings.prune_after)
        self._space = {override.get_key_element(): distribution(override) for override in swept}
        self._refuse_a_change([override.key_or_group for override in swept])
        self._launched = 0

    def trials(self) -> list[FrozenTrial]:
        """Return the trials in order, without those only half proposed when a kill came."""
        return [each for each in self._study.get_trials() if each.params.keys() == self._space.keys()]

    def unfinished(self) -> list[tuple[int, FrozenTrial]]:
        """Return the trials that have not ended, with their places in the search."""
        numbered = enumerate(self.trials(), start=1)
        return [(place, trial) for place, trial in numbered if not trial.state.is_finished()]

    def proposed(self) -> list[tuple[int, FrozenTrial]]:
        """Propose as many new trials as run at a time, up to ``n_trials``."""
        begun = len(self.trials())
        places = range(begun + 1, min(begun + self._settings.n_jobs, self._settings.n_trials) + 1)
        for place in places:
            ask(self._study, self._settings, place, self._space)
        return [(place, self.trials()[place - 1]) for place in places]

    def run(self, batch: Sequence[tuple[int, FrozenTrial]]) -> None:
        """Freeze and run the trials, and report their results to the study."""
        folders = {place: self._frozen(place, trial) for place, trial in batch}
        left = [folder.name for folder in folders.values() if not folder.is_complete]
        if left:
            task = SweepTask(self._sweep.path, self._target)
            launch(self._master.copy(), self._name, [[name] for name in left], self._launched, task)
            self._launched += len(left)
        for place, trial in batch:
            print(
                f"trial {place} of {self._settings.n_trials}: {self._report(folders[place], trial)}",
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
        config = self._checker.checked([*self._hydras, *chosen])
        link = {"storage": self._storage, "trial": trial._trial_id, "prune_after": self._settings.prune_after}
        return trial_folder(self._sweep, self._freezer.freeze(config, chosen), f"{place:03}", link)

    def _report(self, folder: JobFolder, trial: FrozenTrial) -> str:
        from optuna.trial import TrialState

        status = folder.status
        value = objective(status.get("result"))
        if status["state"] == RunState.DONE and isinstance(value, int | float) and math.isfinite(value):
            self._study.tell(trial.number, float(value))
            return f"{value:.4f} with {' '.join(_lines(trial))}"
        said = f"{status['state']} with {' '.join(_lines(trial))}"
        if status["state"] == RunState.PRUNED:
            self._study.tell(trial.number, state=TrialState.PRUNED)
        elif status["state"] in (RunState.DONE, RunState.FAILED):
            self._study.tell(trial.number, state=TrialState.FAIL)
        return f"{said}: {status['error']}" if status.get("error") else said

    def _refuse_a_change(self, keys: Sequence[str]) -> None:
        """Raise EtudeError if the values that all trials share have changed: results would not compare."""
        config = self._checker.checked([*self._hydras, *self._fixed], swept=keys)
        now = json.loads(json.dumps(plain(resolved(config))))
        path = self._sweep.path / "shared.json"
        if not path.is_file():
            atomic_write(path, json.dumps(now, indent=1).encode())
        elif read_json(path, dict[str, Any]) != now:
            raise EtudeError(
                f"conf/ has changed since the search in {self._sweep.path} began: {path.name} there has the "
                "values that its trials share. Undo the change, or begin anew with label=WORD"
            )


def _lines(trial: FrozenTrial) -> list[str]:
    return [f"{key}={value}" for key, value in trial.params.items()]
