"""`hydra/sweeper=optuna`: a search whose trials are frozen jobs, proposed by Optuna."""

from __future__ import annotations

from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext
from omegaconf import DictConfig


class OptunaSweeper(Sweeper):
    """Run :mod:`etude.sweeps.search` on Hydra's command line; see conf/hydra/sweeper/optuna.yaml."""

    def __init__(self, *, params: Any = None, **settings: Any) -> None:
        self.params, self.settings = dict(params or {}), settings

    def setup(self, *, hydra_context: HydraContext, task_function: Any, config: DictConfig) -> None:
        """Keep the configuration and the task."""
        self.hydra_context, self.task, self.config = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> None:
        """Search until the study has n_trials; their results are in their folders."""
        from etude.sweeps.search import search
        from etude.sweeps.settings import SearchSettings  # Hydra imports all plugins, whatever is typed

        assert self.hydra_context is not None
        assert self.config is not None
        lines = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        search(
            self.task, self.hydra_context.config_loader, self.config, lines, SearchSettings(**self.settings)
        )
