"""Setup of Lightning's Trainer for a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.callbacks import EarlyStopping, Timer
from pytorch_lightning.loggers import Logger
from rich.console import Console
from torch.nn.modules.batchnorm import _BatchNorm

from etude.corpora.data_module import CorpusDataModule
from etude.errors import EtudeError
from etude.models.module import SequenceModule
from etude.training.callbacks import LastValidation, StopOnDivergence, kept_checkpoints
from etude.training.checkpoints import ResumePoint, WholeCheckpoints
from etude.training.direct_steps import take_direct_steps
from etude.training.own_parts import own_callbacks
from etude.training.profile import NoProfiler
from etude.training.progress_bar import TrainingProgress
from etude.training.pruning import PruningCallback
from etude.training.resume import Resume
from etude.training.settings import CallbackSettings, TrainerSettings
from etude.training.step_metrics import StepMetrics


def check_trainer(settings: TrainerSettings) -> None:
    """Raise EtudeError for settings that do not go together, or not with this machine."""
    there = {"gpu": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    accelerator = settings.accelerator
    if not there.get(accelerator, True):
        raise EtudeError(
            f"trainer.accelerator={accelerator}: PyTorch finds none on this machine; type "
            "trainer.accelerator=cpu instead"
        )
    on_cpu = accelerator == "cpu" or (accelerator == "auto" and not any(there.values()))
    if settings.precision == "16-mixed" and on_cpu:
        raise EtudeError(
            "trainer.precision=16-mixed needs a GPU; on the CPU type trainer.precision=bf16-mixed"
        )
    if settings.max_epochs == settings.max_steps == -1:
        raise EtudeError("trainer.max_epochs=-1 has no end; type trainer.max_steps=… too")


def check_devices(
    settings: TrainerSettings, network: torch.nn.Module, start: ResumePoint | None = None
) -> None:
    """Raise EtudeError for more devices than there are, or for a network limited to one device.

    Also if the number differs from that of the run to resume (``start``).
    """
    devices, accelerator = settings.devices, settings.accelerator
    processes = devices * settings.num_nodes
    if start and processes != start.devices:
        raise EtudeError(
            f"the run was started with trainer.devices={start.devices}; resume it with that. "
            f"label=WORD makes a second copy with trainer.devices={processes}"
            if settings.num_nodes == 1
            else f"the run was started with {start.devices} processes; resume it with as many. label=WORD "
            f"makes a second copy with {processes}"
        )
    if processes == 1:
        return
    found = torch.cuda.device_count()
    why, possible = "", 1
    if (accelerator == "gpu" or (accelerator == "auto" and found)) and devices > found:
        why, possible = f"PyTorch finds {found}", found
    elif any(isinstance(module, _BatchNorm) for module in network.modules()):
        why = "this model normalises over a batch, and each process would over its own share of it"
    elif not any(weight.requires_grad for weight in network.parameters()):
        why = "this model is counted, not trained by gradients"
    if why:
        what = f"trainer.devices={devices}"
        if settings.num_nodes > 1 and devices <= possible:
            what, possible = f"trainer.num_nodes={settings.num_nodes}", 1
        raise EtudeError(f"{what}: {why}; type {what.partition('=')[0]}={possible} instead")


def device_name(trainer: pl.Trainer, threads: int) -> str:
    """Return the device of a training, with the model of a GPU or the threads of a CPU."""
    name = type(trainer.accelerator).__name__.removesuffix("Accelerator")
    if name == "CPU":
        return f"CPU, {threads} thread{'s' * (threads != 1)}"
    return f"{name}, {torch.cuda.get_device_name(0)}" if name == "CUDA" else name


def make_trainer(
    settings: TrainerSettings,
    callbacks: list[pl.Callback],
    loggers: list[Logger],
    folder: Path,
    place: ClusterEnvironment | None = None,
) -> pl.Trainer:
    """Return the trainer of a run in ``folder``; the same settings give the same weights.

    ``place``: what has started the processes; None: Étude.
    """
    if settings.fast_dev_run:  # Lightning's own would leave out the loggers and checkpoints
        settings = replace(
            settings, fast_dev_run=False, max_epochs=1, limit_train_batches=1, limit_val_batches=1
        )
    timer = [] if settings.max_time is None else [Timer(settings.max_time)]
    # With deterministic=True, PyTorch also fills each new tensor with NaN, which shows reads of what nothing
    # has written. It takes up to a tenth of a step, and changes no result.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    trainer = pl.Trainer(
        **{**vars(settings), "max_time": None, "profiler": settings.profiler or NoProfiler()},
        callbacks=[*callbacks, *timer, LastValidation()],
        logger=loggers,
        # An environment is named, so that within a job of a scheduler Lightning does not count its tasks.
        plugins=[WholeCheckpoints(), place or LightningEnvironment()],
        use_distributed_sampler=False,  # the loaders share batches out themselves
        deterministic=True,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    take_direct_steps(trainer)
    return trainer


def make_callbacks(
    settings: CallbackSettings, checkpoints: Path, console: Console, resume: Resume
) -> list[pl.Callback]:
    """Return the callbacks for checkpoints, resume, early stopping and progress, and the user's own."""
    callbacks: list[pl.Callback] = [
        StopOnDivergence(),
        resume,
        *kept_checkpoints(settings, checkpoints),
        TrainingProgress(console, show_bar=settings.progress_bar),
        StepMetrics(),
        PruningCallback(resume.stop),
    ]
    if settings.patience is not None:
        callbacks.append(
            EarlyStopping(
                settings.monitor,
                mode=settings.mode,
                patience=settings.patience,
                min_delta=settings.min_delta,
                check_on_train_epoch_end=False,  # at each validation, for the reason in kept_checkpoints
            )
        )
    return [*callbacks, *own_callbacks(settings, checkpoints, callbacks)]


@contextmanager
def interruptible() -> Iterator[None]:
    """Re-raise Ctrl-C and signals, which Lightning turns into an exit that a sweep would ignore."""
    try:
        yield
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise end.__context__ from None
        raise


def fit(trainer: pl.Trainer, module: SequenceModule, data: CorpusDataModule, resume: Resume) -> None:
    """Train from the checkpoint of ``resume``, or from the beginning."""
    with interruptible():
        trainer.fit(module, datamodule=data, ckpt_path=resume.path, weights_only=True)
