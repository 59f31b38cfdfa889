"""Weights & Biases: one run for each attempt at a training."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from pytorch_lightning.loggers import WandbLogger

from etude.errors import EtudeError, Preempted, Pruned
from etude.models.label_means import BEST_MODES
from etude.runs.folder import RunFolder
from etude.runs.identity import flatten
from etude.training.settings import LONGEST_TAG, WandbSettings
from etude.training.tracker import FinalMetrics, ShownSamples, Tracker
from etude.training.wandb_account import OFFLINE

# Axis of each metric, and which of its values the summary keeps. A name comes before a pattern that fits it.
STEP, EPOCH = "trainer/global_step", "epoch"
AXES = {
    **dict.fromkeys(("train/loss_step", "train/lr", "train/grad_norm"), STEP),
    **dict.fromkeys(("train/*", "val/*", "time/*", "baselines/*", "samples/*"), EPOCH),
}
BEST = {f"{stage}/{name}": best for stage in ("train", "val") for name, best in BEST_MODES.items()}


class WandbTracker(Tracker):
    """One open W&B run."""

    def __init__(self, wandb_run: Any, settings: WandbSettings, signature: str) -> None:
        super().__init__(WandbLogger(experiment=wandb_run))
        self._run, self._settings, self._signature = wandb_run, settings, signature

    def show_samples(self, samples: ShownSamples) -> None:
        """Log audio, pictures and a table under ``samples/STAGE/``."""
        import wandb

        media: dict[str, Any] = {file.name: wandb.Audio(str(file)) for file in samples.audio}
        media |= {name: wandb.Image(picture) for name, picture in samples.pictures()}
        if samples.samples:
            rows = [list(row) for row in samples.rows]
            media["table"] = wandb.Table(columns=list(samples.COLUMNS), data=rows)
        if media:
            epoch = {} if samples.epoch is None else {"epoch": samples.epoch}
            folder = f"samples/{samples.stage}"
            self._run.log({**{f"{folder}/{name}": each for name, each in media.items()}, **epoch})

    def log_test(self, test: Mapping[str, float], step: int, epoch: int) -> None:
        """Do nothing: :meth:`finish` writes the test metrics to the summary, and a curve would be a point."""

    def finish(self, outcome: FinalMetrics) -> None:
        """Log the baselines, the final metrics as summary, and the best checkpoint if that is configured."""
        for epoch in sorted({0, outcome.epoch}):
            self._run.log({**outcome.lines(), "epoch": epoch})
        self._run.summary.update(
            {key.replace(".", "/"): value for key, value in flatten(dict(outcome.results)).items()}
        )
        if self._settings.log_model:
            self._log_model(outcome)

    def _log_model(self, outcome: FinalMetrics) -> None:
        import wandb

        metadata = {**outcome.results["validation"], "signature": self._signature}
        artifact = wandb.Artifact(f"model-{self._signature[:8]}", type="model", metadata=metadata)
        # Read where it is, without a copy, when W&B sends it: maybe later, from another folder.
        artifact.add_file(str(outcome.checkpoint.resolve()), policy="immutable")
        self._run.log_artifact(artifact, aliases=["best"])


@contextmanager
def wandb_tracker(
    settings: WandbSettings, config: Mapping[str, Any], run: RunFolder, step: int
) -> Iterator[WandbTracker]:
    """Open the W&B run of an attempt that begins at ``step``; mark how it ends.

    ``config`` has nested settings: W&B takes the dot in a key for a level of nesting. EtudeError if W&B
    refuses.
    """
    import wandb

    attempt = run.next_attempt
    begun = f"resumed from step {step}" if step else "from the beginning"
    names = [config.get(group, {}).get("name") for group in ("model", "data")]
    automatic = [name[:LONGEST_TAG] for name in names if name]
    wandb_run = _started(
        # W&B cannot go on with an offline run, so each attempt is one. The time keeps apart the same training
        # on two machines.
        id=f"{run.signature[:8]}-{attempt}-{int(time.time()):x}",
        notes=f"attempt {attempt}, {begun}",
        mode=cast(Any, settings.mode),
        project=settings.project,
        entity=settings.entity,
        group=settings.group or run.signature[:8],
        tags=list(dict.fromkeys([*settings.tags, *automatic, *(["resumed"] if step else [])])),
        name=run.path.name,
        job_type="train",
        dir=run.path.resolve(),  # W&B writes from a process of its own, which may be elsewhere
        config={**config, "attempt": attempt, "resumed_from_step": step},
        reinit="create_new",
        settings=wandb.Settings(silent=True, console="off"),
    )
    for metric in (STEP, EPOCH):
        wandb_run.define_metric(metric)
    for metric, axis in AXES.items():
        wandb_run.define_metric(metric, step_metric=axis)
    for metric, best in BEST.items():
        wandb_run.define_metric(metric, step_metric=EPOCH, summary=f"{best},last")
    with _ended(wandb_run):
        yield WandbTracker(wandb_run, settings, run.signature)


def _started(**settings: Any) -> Any:
    """Start a W&B run; EtudeError if W&B refuses."""
    import wandb

    try:
        return wandb.init(**settings)
    except wandb.Error as error:
        raise EtudeError(f"W&B could not start a run ({str(error).strip()}); {OFFLINE}") from error


@contextmanager
def _ended(wandb_run: Any) -> Iterator[None]:
    """Finish a W&B run in the state that its training ends in."""
    try:
        yield
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
