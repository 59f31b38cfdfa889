"""One training on several machines: torchrun, SLURM or another launcher has started its processes.

All of them run the same command. The first decides what to do and writes all files; the others wait until it
tells them what to train.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lsf import LSFEnvironment
from lightning_fabric.plugins.environments.mpi import MPIEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.runs.folder import RunFolder
from etude.training.settings import TrainerSettings
from etude.training.workers import close_process_group, helpers

Task = dict[str, Any]  # folder, config, step and fingerprint; without a config there is nothing to train

WAIT = timedelta(days=1)  # that the first process may take to prepare a corpus


def launcher(settings: TrainerSettings) -> ClusterEnvironment | None:
    """Return what has started the processes of this training; None if Étude is to start them.

    EtudeError if their number is not that of the settings, or if nothing has started those of other machines.
    """
    wanted = settings.devices * settings.num_nodes
    found = _found(wanted)
    if found is None:
        if settings.num_nodes > 1:
            raise EtudeError(
                f"trainer.num_nodes={settings.num_nodes}: start this command with torchrun or srun, one "
                "process for each device on every machine"
            )
        return None
    if (count := found.world_size()) != wanted:
        raise EtudeError(
            f"{count} processes were started for one training, but trainer.devices={settings.devices} on "
            f"trainer.num_nodes={settings.num_nodes} are {wanted}; type the numbers of the launcher"
        )
    try:
        found.validate_settings(settings.devices, settings.num_nodes)
    except ValueError as error:
        raise EtudeError(str(error)) from error
    return found


def _found(wanted: int) -> ClusterEnvironment | None:
    """Return the launcher of this process, if it started several for one training.

    SLURM, LSF and MPI may also have started one training in each process.
    """
    if TorchElasticEnvironment.detect():
        torchrun = TorchElasticEnvironment()
        return torchrun if max(torchrun.world_size(), wanted) > 1 else None
    if wanted == 1:
        return None
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1:  # which only srun sets
        try:
            return SLURMEnvironment(auto_requeue=False)  # the run responds to the signals itself
        except RuntimeError as error:
            raise EtudeError(str(error)) from error
    return next((kind() for kind in (LSFEnvironment, MPIEnvironment) if kind.detect()), None)


class Team:
    """The processes of one training that a launcher has started; one alone if ``place`` is None."""

    def __init__(self, place: ClusterEnvironment | None) -> None:
        self.place = place
        self._told = not self.is_first or place is None
        self._messages: Any = None

    @property
    def is_first(self) -> bool:
        """Whether this process decides, and writes the files."""
        return self.place is None or self.place.global_rank() == 0

    def join(self, *, on_gpu: bool) -> None:
        """Wait for the other processes, on the way that the launcher knows."""
        if self.place is None:
            return
        os.environ.update(MASTER_ADDR=self.place.main_address, MASTER_PORT=str(self.place.main_port))
        rank, count = self.place.global_rank(), self.place.world_size()
        torch.distributed.init_process_group(None if on_gpu else "gloo", rank=rank, world_size=count)
        self._messages = torch.distributed.new_group(backend="gloo", timeout=WAIT)

    def tell(self, task: Task | None) -> None:
        """Tell the others, once, what to do; None: the first process has failed."""
        if not self._told:
            self._told = True
            torch.distributed.broadcast_object_list([task], src=0, group=self._messages)

    def task(self) -> Task:
        """Return what the first process tells; EtudeError if it has failed or is gone."""
        box: list[Task | None] = [None]
        try:
            torch.distributed.broadcast_object_list(box, src=0, group=self._messages)
        except RuntimeError as error:
            raise EtudeError("the first process of this training has ended") from error
        if box[0] is None:
            raise EtudeError("the first process of this training has failed; its message says why")
        return box[0]

    @contextmanager
    def led(self) -> Iterator[None]:
        """Send the others home at the end of the block, if they were told nothing by then."""
        try:
            yield
        finally:
            self.tell(None)
            if self.place is not None:
                close_process_group()

    @contextmanager
    def training(
        self, run: RunFolder, config: ResolvedConfig, devices: int, *, step: int, fingerprint: str
    ) -> Iterator[None]:
        """Have all processes train from ``step`` on; without a launcher, start those of further devices.

        EtudeError if one of them ends before the block.
        """
        if self.place is None:
            with helpers(run, devices, config):
                yield
            return
        self.tell(
            {
                "folder": str(run.path.resolve()),
                "config": config.as_dict(),
                "step": step,
                "fingerprint": fingerprint,
            }
        )
        try:
            yield
        except RuntimeError as error:
            if isinstance(error, torch.distributed.DistError) or "gloo" in str(error):
                raise EtudeError("another process of this training has ended; see its messages") from error
            raise
        finally:
            close_process_group()
