"""Trackers: metrics.csv, TensorBoard and Weights & Biases."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pytorch_lightning.loggers import Logger, TensorBoardLogger, WandbLogger

from etude.addresses import without_credentials
from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError, Preempted, Pruned
from etude.runs.folder import RunFolder
from etude.runs.identity import flatten
from etude.training.checkpoints import ResumePoint
from etude.training.metrics_csv import MetricsCsv
from etude.training.own_parts import own_loggers
from etude.training.settings import LoggerSettings, WandbSettings

PATIENCE = 5.0  # seconds that a W&B server has to accept a connection
_OFFLINE = "take logger.wandb.mode=offline and wandb sync later"


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
    """Raise EtudeError if W&B is enabled online without a login, or if its server cannot be reached."""
    if settings.wandb is None or settings.wandb.mode != "online":
        return
    import wandb

    server = wandb.setup().settings.base_url
    if why := _unreachable(server):  # W&B itself would wait for minutes
        shown = without_credentials(server)
        raise EtudeError(f"the W&B server {shown} cannot be reached ({why}); {_OFFLINE}")
    try:
        is_known = wandb.login(prompt=False)
    except wandb.Error as error:
        raise EtudeError(f"{str(error).strip()}; type wandb login again, or {_OFFLINE}") from error
    if not is_known:
        raise EtudeError(f"logger.wandb.mode=online needs an account: type wandb login first, or {_OFFLINE}")


def _unreachable(server: str) -> str:
    """Say why a server cannot be connected to; "" if it can, or if a proxy stands between."""
    address = urlsplit(server)
    if getproxies().get(address.scheme) and not proxy_bypass(address.netloc):
        return ""
    port = address.port or {"http": 80}.get(address.scheme, 443)
    try:
        socket.create_connection((address.hostname or "", port), timeout=PATIENCE).close()
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


@contextmanager
def open_trackers(
    settings: LoggerSettings,
    run: RunFolder,
    config: ResolvedConfig,
    start: ResumePoint | None = None,
) -> Iterator[Trackers]:
    """Open the trackers that the settings name; metrics.csv always. ``config``: what they show as settings.

    EtudeError if one cannot be made; enter this before the run counts as running.

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
            wandb_run = stack.enter_context(_wandb_run(settings.wandb, config, run, step))
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


def _started(**settings: Any) -> Any:
    """Start a W&B run; EtudeError if W&B refuses."""
    import wandb

    try:
        return wandb.init(**settings)
    except wandb.Error as error:
        raise EtudeError(f"W&B could not start a run ({str(error).strip()}); {_OFFLINE}") from error


@contextmanager
def _wandb_run(settings: WandbSettings, config: ResolvedConfig, run: RunFolder, step: int) -> Iterator[Any]:
    import wandb

    attempt = run.next_attempt
    begun = f"resumed from step {step}" if step else "from the beginning"
    wandb_run = _started(
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
