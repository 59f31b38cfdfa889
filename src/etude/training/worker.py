"""Worker process of a training: runs the same steps on its shard of each batch.

Started by :func:`etude.training.workers.helpers` as ``python -m etude.training.worker RUN PARENT``, with
the config as JSON on its standard input; or by a launcher, as every process of :mod:`etude.training.nodes`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from rich.console import Console

from etude.config.build import build
from etude.config.fields import from_plain
from etude.corpora.data_module import CorpusDataModule
from etude.corpora.prepared import PreparedCorpus
from etude.errors import EtudeError
from etude.models.freezing import freeze
from etude.processes import end_with_parent
from etude.runs.folder import RunFolder
from etude.runs.status import RunState
from etude.training.checkpoints import resume_point
from etude.training.module_setup import make_module
from etude.training.nodes import Team
from etude.training.resume import Resume
from etude.training.settings import TrainSettings
from etude.training.signals import stop_signals
from etude.training.trainer import fit, make_callbacks, make_trainer
from etude.training.workers import close_process_group


def help_to_train(run: RunFolder, settings: TrainSettings, place: ClusterEnvironment, rank: int) -> None:
    """Train as configured, from the run's last checkpoint, as process ``rank``, without writing files."""
    torch.set_num_threads(settings.threads)
    pl.seed_everything(settings.seed, verbose=False)
    data: PreparedCorpus = build(settings.data, PreparedCorpus)
    module = make_module(settings, data.vocabulary, data.encoding)
    freeze(module.network, settings.freeze)
    # The weights come from the first process; each draws its own dropout.
    torch.manual_seed(settings.seed + rank)
    # The first process reports the reason for all.
    with stop_signals() as stop, suppress(EtudeError, KeyboardInterrupt):
        resume = Resume(run, stop, settings.callbacks.checkpoint_minutes, resume_point(run))
        callbacks = make_callbacks(settings.callbacks, run.checkpoints, Console(quiet=True), resume)
        trainer = make_trainer(settings.trainer, callbacks, [], run.path, place)
        fit(trainer, module, CorpusDataModule(data, settings.seed), resume)


def follow(team: Team) -> dict[str, Any]:
    """Train, if the first process of the team says so; return the folder of the run.

    EtudeError if this machine has another corpus or another checkpoint than the first process.
    """
    task = team.task()
    results = {"folder": task["folder"], "state": RunState.RUNNING}
    if task["config"] is None:
        return results
    settings, run = from_plain(TrainSettings, task["config"]), RunFolder(Path(task["folder"]))
    start = resume_point(run)
    if (start.step if start else 0) != task["step"] or not run.path.is_dir():
        raise EtudeError(
            f"{run.path} is not the same folder on all machines; share the disk with outputs_dir among them"
        )
    data: PreparedCorpus = build(settings.data, PreparedCorpus)
    if data.store.fingerprint != task["fingerprint"]:
        raise EtudeError(f"the corpus {data.name} is not the same on all machines; share data.data_dir too")
    assert team.place is not None
    help_to_train(run, settings, team.place, team.place.global_rank())
    return results


if __name__ == "__main__":
    end_with_parent(pid=int(sys.argv[2]))  # while it waits for it, nothing else would end it
    try:
        given = from_plain(TrainSettings, json.load(sys.stdin))
        rank = int(os.environ["LOCAL_RANK"])
        help_to_train(RunFolder(Path(sys.argv[1])), given, LightningEnvironment(), rank)
    finally:
        close_process_group()
