"""Settings of a training: the keys of conf/train.yaml, of the trainer, callbacks and loggers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from etude.config.fields import NodeGroup, setting
from etude.config.setting_limits import LARGEST
from etude.corpora.settings import CorpusConfig
from etude.models.settings import ModelConfig, OptimizerConfig, ScheduleConfig
from etude.plain_names import name_problem
from etude.sampling.settings import SamplingSettings


def _share_problem(value: object) -> str:
    """Say why a value is neither a number of batches nor a share of them; "" if it is one."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    is_share = isinstance(value, float) and 0 < value <= 1
    whole = "must be a number of batches (1, 2, …) or a share of them (above 0, up to 1.0)"
    return "" if is_count or is_share else f"{whole}, got {value!r}"


def _share_or_none_problem(value: object) -> str:
    return "" if value == 0 else _share_problem(value)


def _count_or(unlimited: str) -> Callable[[object], str]:
    """Return a check for a count from 1 on, or -1 for what ``unlimited`` names."""

    def problem(value: object) -> str:
        fits = value == -1 or (isinstance(value, int) and 1 <= value <= LARGEST)
        return "" if fits else f"must be at least 1, or -1 for {unlimited} (at most {LARGEST}), got {value!r}"

    return problem


def _monitor_problem(value: object) -> str:
    """Say why a value is no metric of the validation; "" if it may be one."""
    fits = isinstance(value, str) and value.startswith("val/")
    return "" if fits else f"must be a metric of the validation, as in val/loss, got {value!r}"


def _time_problem(value: object) -> str:
    """Say why a value is no duration as Lightning writes it; "" if it is one."""
    is_time = isinstance(value, str) and re.fullmatch(r"\d\d(:\d\d){3}", value) and value.strip("0:")
    return "" if is_time else f"must be days:hours:minutes:seconds, as in 00:01:30:00, got {value!r}"


@dataclass
class TrainerSettings:
    """Settings of pytorch_lightning.Trainer, under the names of its arguments."""

    max_epochs: int = setting(
        "passes over the training set, fewer if training stops early; -1: until max_steps",
        check=_count_or("no limit"),
    )
    min_epochs: int | None = setting("epochs before early stopping may end a training; null: none", low=1)
    max_steps: int = setting(
        "optimizer steps, the weights after the last are validated; -1: until max_epochs",
        check=_count_or("no limit"),
    )
    min_steps: int | None = setting("steps before early stopping may end a training; null: none", low=1)
    max_time: str | None = setting(
        "stop after days:hours:minutes:seconds, at a step that no second run repeats; null: no limit",
        check=_time_problem,
    )
    limit_train_batches: int | float | None = setting(
        "batches of an epoch, or a share of them, each epoch others; null: all", check=_share_problem
    )
    limit_val_batches: int | float | None = setting(
        "batches of a validation, or a share of them; null: all", check=_share_problem
    )
    overfit_batches: int | float = setting(
        "train on the same batches, or share of them, each epoch; 0: off", check=_share_or_none_problem
    )
    fast_dev_run: bool = setting("true: one batch of training and validation, to see that everything runs")
    val_check_interval: int | float | None = setting(
        "validate after so many batches, or shares of an epoch; null: after each epoch", check=_share_problem
    )
    check_val_every_n_epoch: int = setting("validate in every n-th epoch, and in the last", low=1)
    accumulate_grad_batches: int = setting("batches whose gradients are added up for one step", low=1)
    accelerator: str = setting(
        "cpu: fastest for models this small, repeatable to the last bit; gpu, mps, auto",
        choices=("auto", "cpu", "gpu", "mps"),
    )
    devices: int = setting(
        "devices (on the CPU: processes) of a machine that share each batch; results differ by rounding",
        low=1,
    )
    num_nodes: int = setting(
        "machines that train one model, each on so many devices; start them with torchrun or srun", low=1
    )
    strategy: str = setting(
        "ddp: Distributed Data Parallel; ddp_find_…: batches may skip layers; auto: ddp on several devices",
        choices=("auto", "ddp", "ddp_find_unused_parameters_true"),
    )
    precision: str = setting(
        "32-true; 16-mixed (GPU), bf16-mixed: half the memory; bf16-true: weights too; 64-true: for checking",
        choices=("32-true", "16-mixed", "bf16-mixed", "bf16-true", "64-true"),
    )
    gradient_clip_val: float | None = setting("clip the gradient norm to this; null: no clipping", above=0)
    gradient_clip_algorithm: str | None = setting(
        "norm: of all gradients together; value: each gradient; null: norm", choices=("norm", "value")
    )
    detect_anomaly: bool = setting("true: name the operation that made a gradient NaN; much slower")
    log_every_n_steps: int = setting("training steps between rows of metrics.csv", low=1)
    profiler: str | None = setting(
        "simple, advanced or pytorch: print where the time went; null: off",
        choices=("simple", "advanced", "pytorch"),
    )


@dataclass
class CallbackNode:
    """Settings of a callback of one's own; its files go to the run's checkpoints/, unless it says where."""

    builds: ClassVar[str] = ""
    offered: ClassVar[tuple[str, ...]] = ("dirpath",)


@dataclass
class CallbackSettings(NodeGroup):
    """Settings of early stopping and progress; and callbacks of one's own, each under a name."""

    kind: ClassVar[type[CallbackNode]] = CallbackNode
    monitor: str = setting(
        "metric of the validation that decides which weights are best, for best.ckpt and patience",
        check=_monitor_problem,
    )
    mode: str = setting("min: lower values of monitor are better; max: higher ones", choices=("min", "max"))
    patience: int | None = setting(
        "validations without a better monitor before training stops; null: never", low=1
    )
    min_delta: float = setting("smallest change of monitor that counts for patience, in its unit", low=0)
    save_top_k: int = setting(
        "validated checkpoints to keep, top-000120.ckpt and so on; 1: best.ckpt alone; -1: all",
        check=_count_or("all"),
    )
    every_n_train_steps: int | None = setting(
        "keep a checkpoint of every n-th step, step-000120.ckpt and so on; null: none", low=1
    )
    keep_every_epoch: bool = setting("true: keep a checkpoint of each epoch, epoch-00.ckpt and on")
    sample_every_n_epochs: int | None = setting(
        "samples after every n-th epoch in samples/epoch-N, shown by W&B and TensorBoard too; null: none",
        low=1,
    )
    checkpoint_minutes: float | None = setting(
        "minutes between checkpoints within an epoch; null: only after each epoch",
        low=0,
    )
    progress_bar: bool = setting("false: print one line per epoch, as without a terminal")


LONGEST_TAG = 64  # letters


def tag_problem(tag: object) -> str:
    """Say why W&B would not take a tag; "" if it would."""
    if isinstance(tag, str) and 1 <= len(tag) <= LONGEST_TAG:
        return ""
    return "must be words of 1 to 64 letters each, which is all that W&B takes"


@dataclass
class WandbSettings:
    """Settings of wandb.init."""

    mode: str = setting(
        "offline: kept in the run folder for `wandb sync`; online: needs `wandb login`; disabled: off",
        choices=("online", "offline", "disabled"),
    )
    project: str = setting("W&B project of the runs")
    entity: str | None = setting("user or team; null: your default")
    group: str | None = setting("W&B group of the runs; null: the attempts at one training")
    tags: list[str] = setting(
        "words to filter by, e.g. [baseline]; the names of model and corpus are added", check=tag_problem
    )
    log_model: bool = setting("true: the best checkpoint becomes a W&B artifact at the end")


@dataclass
class LoggerNode:
    """Settings of a logger of one's own; its files go to the run folder, unless it says where."""

    builds: ClassVar[str] = ""
    offered: ClassVar[tuple[str, ...]] = ("save_dir",)


@dataclass
class LoggerSettings(NodeGroup):
    """Settings of the loggers besides metrics.csv; and loggers of one's own, each under a name."""

    kind: ClassVar[type[LoggerNode]] = LoggerNode
    wandb: WandbSettings | None = setting("Weights & Biases; null: none")
    tensorboard: bool = setting("true: write TensorBoard files; tensorboard --logdir outputs shows them")


@dataclass
class MetricNode:
    """Settings of a metric of one's own."""

    builds: ClassVar[str] = ""
    offered: ClassVar[tuple[str, ...]] = ("num_classes", "vocabulary_size")


@dataclass
class MetricSettings(NodeGroup):
    """Metrics of validation and test beside loss, accuracy and perplexity, each under a name."""

    kind: ClassVar[type[MetricNode]] = MetricNode


@dataclass
class TrainSettings:
    """Settings of `etude train`."""

    seed: int = setting(
        "random seed; the same seed and settings give the same weights, bit for bit",
        low=0,
        high=2**32 - 1,
    )
    name: str = setting("folder under outputs_dir, shared by runs to compare")
    label: str | None = setting("any word: make a second copy of an existing run", check=name_problem)
    init_from: str | None = setting("start from these weights: a run, checkpoint or state dict; null: random")
    init_sha256: str | None = setting("checksum that the weights must have; null: filled in")
    freeze: list[str] = setting("layers or weights that training leaves as they are, e.g. [embedding]")
    on_running: str = setting(
        "while another process trains the same run: stop with an error, wait, or skip it",
        choices=("stop", "wait", "skip"),
    )
    on_mismatch: str = setting(
        "if the run exists with other code or packages: stop, reuse it, or rerun",
        choices=("stop", "reuse", "rerun"),
    )
    retry: bool = setting("true: continue a failed run from its last checkpoint")
    label_smoothing: float = setting(
        "share of each label spread over all tokens in training; metrics stay nats; 0.1 is usual",
        low=0,
        below=1,
    )
    compile: bool = setting("true: torch.compile; faster steps, a slow start, a resume equal up to rounding")
    evaluate: str = setting(
        "at the end, into evaluation.json: likelihood (no cost); full: also music and copies; off",
        choices=("off", "likelihood", "full"),
    )
    threads: int = setting("CPU threads of PyTorch", low=1)
    outputs_dir: str = setting("folder of all runs, relative to the current folder")
    data: CorpusConfig = setting("corpus to train on")
    model: ModelConfig = setting("network")
    optim: OptimizerConfig = setting("optimizer")
    schedule: ScheduleConfig = setting("learning rate schedule")
    trainer: TrainerSettings = setting("how long and on what to train")
    callbacks: CallbackSettings = setting("early stopping and checkpoints")
    metrics: MetricSettings = setting("further metrics: torchmetrics' or your own")
    logger: LoggerSettings = setting("where metrics go beside metrics.csv")
    sampling: SamplingSettings = setting("how music is generated and written")
