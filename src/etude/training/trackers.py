"""Trackers: metrics.csv, TensorBoard and Weights & Biases."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

from pytorch_lightning.loggers import Logger, TensorBoardLogger, WandbLogger

from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError, Preempted, Pruned
from etude.runs.folder import RunFolder
from etude.runs.identity import flatten
from etude.training.checkpoints import ResumePoint
from etude.training.metrics_csv import MetricsCsv
from etude.training.own_parts import own_loggers
from etude.training.settings import LoggerSettings, WandbSettings


class Trackers:
    """Loggers of one run; W&B also shows samples and results."""

    def __init__(self, loggers: list[Logger], wandb_run: Any = None) -> None:
        self.loggers = loggers
        self._wandb_run = wandb_run

    def show_samples(self, stage: str, files: list[Path]) -> None:
        """Send the audio and the pictures among ``files`` to the trackers that can show them."""
        if self._wandb_run is None:
            return
        import wandb

        kinds: dict[str, Any] = {".wav": wandb.Audio, ".png": wandb.Image}
        media = {
            f"samples/{stage}/{file.stem}{file.suffix}": kinds[file.suffix](str(file))
            for file in files
            if file.suffix in kinds
        }
        if media:
            self._wandb_run.log(media)

    def summarise(self, results: dict[str, Any]) -> None:
        """Write the final metrics to the summary of each tracker."""
        if self._wandb_run is not None:
            self._wandb_run.summary.update(flatten(results))


def check_account(settings: LoggerSettings) -> None:
    """Raise EtudeError if W&B is enabled online without a login."""
    if settings.wandb is None or settings.wandb.mode != "online":
        return
    import wandb

    if not wandb.login(prompt=False):
        raise EtudeError(
            "logger.wandb.mode=online needs an account: type wandb login first, or take "
            "logger.wandb.mode=offline and wandb sync later"
        )


@contextmanager
def open_trackers(
    settings: LoggerSettings,
    run: RunFolder,
    config: ResolvedConfig,
    attempt: int = 1,
    start: ResumePoint | None = None,
) -> Iterator[Trackers]:
    """Open the trackers that the settings name; metrics.csv always. ``config``: what they show as settings.

    One W&B run for each attempt at a training, whatever happened before in the process, and marked failed if
    the training fails. ``start`` is where an attempt goes on: nothing from there on is logged twice.
    """
    step = start.step if start else 0
    loggers: list[Logger] = [MetricsCsv(run.metrics, before=step)]
    wandb_run = None
    with ExitStack() as stack:
        if settings.tensorboard:
            loggers.append(_tensorboard(run, step))
        if settings.wandb:
            wandb_run = stack.enter_context(_wandb_run(settings.wandb, config, run, attempt, step))
            loggers.append(WandbLogger(experiment=wandb_run))
        loggers += [_described(each, config) for each in own_loggers(settings, run.path)]
        yield Trackers(loggers, wandb_run)


def _described(logger: Logger, config: Mapping[str, Any]) -> Logger:
    """Return a logger that has been given the settings of the training."""
    logger.log_hyperparams(flatten(dict(config)))
    return logger


def _tensorboard(run: RunFolder, step: int) -> Logger:
    # What an earlier attempt logged from this step on is hidden by TensorBoard.
    purge: dict[str, Any] = {"purge_step": step} if step else {}
    return TensorBoardLogger(save_dir=run.path, name="", version="tensorboard", **purge)


@contextmanager
def _wandb_run(
    settings: WandbSettings, config: ResolvedConfig, run: RunFolder, attempt: int, step: int
) -> Iterator[Any]:
    import wandb

    begun = f"resumed from step {step}" if step else "from the beginning"
    wandb_run = wandb.init(
        # W&B cannot go on with an offline run, so each attempt is one. The time keeps apart the same training
        # on two machines.
        id=f"{run.signature[:8]}-{attempt}-{int(time.time()):x}",
        notes=f"attempt {attempt}, {begun}",
        mode=cast(Any, settings.mode),
        project=settings.project,
        entity=settings.entity,
        group=settings.group or run.signature[:8],
        tags=[*settings.tags, *(["resumed"] if step else [])],
        name=run.path.name,
        job_type="train",
        dir=run.path.resolve(),  # W&B writes from a process of its own, which may be elsewhere
        config=flatten(config) | {"attempt": attempt, "resumed_from_step": step},
        reinit="create_new",
        settings=wandb.Settings(silent=True, console="off"),
    )
    wandb_run.define_metric("epoch")
    wandb_run.define_metric("trainer/global_step")
    wandb_run.define_metric("train/loss_step", step_metric="trainer/global_step")
    for metric in ("train/loss", "train/accuracy", "val/*", "test/*"):
        wandb_run.define_metric(metric, step_metric="epoch")
    try:
        yield wandb_run
    except Pruned:
        wandb_run.tags = (*(wandb_run.tags or ()), "pruned")  # W&B has no such state; it did not fail
        wandb_run.finish()
        raise
    except Preempted:
        wandb_run.mark_preempting()
        wandb_run.finish(exit_code=1)
        raise
    except KeyboardInterrupt:
        wandb_run.finish(exit_code=255)  # W&B's own code for Ctrl-C: killed, not failed
        raise
    except BaseException:
        wandb_run.finish(exit_code=1)
        raise
    wandb_run.finish()
