"""Settings of a sweep's launcher and sweeper, checked before any file is written."""

from __future__ import annotations

from dataclasses import dataclass, fields

from omegaconf import DictConfig, OmegaConf

from etude.config.compose import plain
from etude.errors import EtudeError
from etude.runs.query import as_text


@dataclass(frozen=True)
class SearchSettings:
    """conf/hydra/sweeper/optuna.yaml, which explains them; EtudeError for values out of range."""

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


def search_settings(sweeper: DictConfig) -> SearchSettings:
    """Return hydra.sweeper's settings; EtudeError for missing, unknown or wrong ones."""
    given = {key: value for key, value in plain(sweeper).items() if key not in ("_target_", "params")}
    known = [field.name for field in fields(SearchSettings)]
    wrong = [f"{key}: no such setting; there are {', '.join(known)}" for key in given if key not in known]
    wrong += [f"{key}: must be given" for key in known if key not in given]
    if wrong:
        raise EtudeError("\n".join(f"hydra.sweeper.{each}" for each in wrong))
    return SearchSettings(**given)


def check_settings(hydra: DictConfig) -> None:
    """Raise EtudeError for a wrong setting of Étude's launchers and sweeper, or of Hydra's own sweeper."""
    at_once = OmegaConf.select(hydra, "launcher.n_jobs")
    if "hydra_plugins.etude_" in hydra.launcher._target_ and not is_count(at_once):
        raise EtudeError(f"hydra.launcher.n_jobs={as_text(at_once)}: a whole number from 1 is wanted")
    size = OmegaConf.select(hydra, "sweeper.max_batch_size")
    if size is not None and not is_count(size):
        raise EtudeError(f"hydra.sweeper.max_batch_size={as_text(size)}: a whole number from 1, or null")
    if "hydra_plugins.etude_" in hydra.sweeper._target_:
        search_settings(hydra.sweeper)


def is_count(value: object) -> bool:
    """Return whether a value is a whole number from 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
