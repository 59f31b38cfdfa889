"""Settings of the trainer, callbacks and loggers; the values are in conf/."""

from __future__ import annotations

from dataclasses import dataclass

from etude.config.fields import setting


@dataclass
class TrainerSettings:
    """pytorch_lightning.Trainer; the arguments keep its names."""

    max_epochs: int = setting("passes over the training set, unless validation stops improving before", low=1)
    accelerator: str = setting(
        "cpu: fastest for models this small, repeatable to the last bit; gpu, mps, auto",
        choices=("auto", "cpu", "gpu", "mps"),
    )
    devices: int = setting(
        "devices (on the CPU: processes) that share each batch; the result differs by rounding only",
        low=1,
    )
    strategy: str = setting(
        "ddp: Distributed Data Parallel; auto: the same as soon as there is more than one device",
        choices=("auto", "ddp"),
    )
    precision: str = setting(
        "32-true, 16-mixed, bf16-mixed (half the memory on a GPU) or 64-true (for checking)",
        choices=("32-true", "16-mixed", "bf16-mixed", "64-true"),
    )
    gradient_clip_val: float | None = setting(
        "longest gradient that is let through (L2 norm); null: any", above=0
    )
    log_every_n_steps: int = setting("steps between points of train/loss_step", low=1)
    profiler: str | None = setting(
        "simple or advanced: print where the time went; null: off", choices=("simple", "advanced")
    )


@dataclass
class CallbackSettings:
    """When training stops early, and what is shown meanwhile."""

    patience: int | None = setting(
        "epochs without a better validation loss before training stops; null: never", low=1
    )
    min_delta: float = setting("nats per token by which a validation loss must be better to count", low=0)
    keep_every_epoch: bool = setting("true: keep a checkpoint of each epoch, epoch-00.ckpt and on")
    checkpoint_minutes: float | None = setting(
        "minutes between checkpoints within an epoch; null: only after each epoch",
        low=0,
    )
    progress_bar: bool = setting("false: one line an epoch, as when the output is not a terminal")


@dataclass
class WandbSettings:
    """wandb.init."""

    mode: str = setting(
        "offline: kept in the run folder for `wandb sync`; online: needs `wandb login`; disabled: off",
        choices=("online", "offline", "disabled"),
    )
    project: str = setting("project that the runs appear under")
    entity: str | None = setting("user or team; null: your default")
    group: str | None = setting(
        "runs of one group are shown together; null: attempts at one training are a group"
    )
    tags: list[str] = setting("words to filter by, e.g. [baseline,lstm]")


@dataclass
class LoggerSettings:
    """Where metrics go beside metrics.csv."""

    wandb: WandbSettings | None = setting("Weights & Biases; null: none")
    tensorboard: bool = setting("true: write TensorBoard files; tensorboard --logdir outputs shows them")
