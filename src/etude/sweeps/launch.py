"""Launch the jobs of a sweep through one of Hydra's launchers: local processes, SLURM, Ray or a plugin's."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from importlib.util import find_spec
from typing import cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict

from etude.config.hydra_adapter import Callbacks
from etude.errors import EtudeError
from etude.sweeps.tasks import SweepTask

_NEEDS = {  # part of a launcher's class → the module it imports, and the package to install
    "etude_submitit": ("submitit", "submitit"),
    "hydra_ray_launcher": ("hydra_plugins.hydra_ray_launcher", "hydra-ray-launcher"),
}


def check_launcher(target: str) -> None:
    """Raise EtudeError if the package that a launcher's class needs is not installed."""
    module, package = next((need for name, need in _NEEDS.items() if name in target), ("", ""))
    if module and find_spec(module) is None:
        raise EtudeError(f"this hydra/launcher needs a package that is not installed: pip install {package}")


def launch(
    master: DictConfig, config_name: str, trainings: Sequence[Sequence[str]], first: int, task: SweepTask
) -> None:
    """Hand trainings to the launcher, each as one job with one override: the names of its jobs.

    ``first``: the number of the first one. EtudeError if the launcher itself fails.
    """
    config = OmegaConf.create({"jobs": []})
    settings = OmegaConf.to_container(master.hydra.launcher, resolve=True)  # may refer to other keys
    with open_dict(config):
        config.hydra = master.hydra
        OmegaConf.set_readonly(config.hydra, False)  # Hydra 1.4 hands a sweeper what it may not change
        config.hydra.launcher = settings
        config.hydra.sweep.dir = str(task.sweep)
    callbacks = Callbacks(config)
    callbacks.on_multirun_start(config=config, config_name=config_name)
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(config_loader=cast(ConfigLoader, _Frozen()), callbacks=callbacks),
        task_function=task,
        config=config,
    )
    try:
        launcher.launch([[f"jobs=[{','.join(names)}]"] for names in trainings], initial_job_idx=first)
    except EtudeError:
        raise
    except Exception as error:  # the launcher's own: an error of a job does not get here
        log = task.sweep / "launcher.log"
        log.write_text(traceback.format_exc())
        raise EtudeError(
            f"the launcher failed: {type(error).__name__} (traceback: {log})\n"
            "Type the same line again to run the missing jobs."
        ) from error
    callbacks.on_multirun_end(config=config, config_name=config_name)


class _Frozen:
    """Replaces Hydra's config loader, which would compose from files that may have changed since."""

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """Return the launcher's configuration with the names of the jobs."""
        config = OmegaConf.create({"jobs": []})
        with open_dict(config):
            config.hydra = master_config.hydra
            config.hydra.overrides.task = sweep_overrides
            config.jobs = sweep_overrides[0].partition("=")[2].strip("[]").split(",")
        return config
