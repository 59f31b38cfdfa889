"""``etude train``: one model on one corpus, from raw files to music."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint

from etude.commands import show
from etude.config.build import build
from etude.config.compose import compose, plain
from etude.config.jobs import Outcome
from etude.config.problems import ConfigError
from etude.data.module import CorpusDataModule
from etude.errors import EtudeError
from etude.files import atomic_write
from etude.models.checkpoint import TrainedModel, build_module, load_model, passport
from etude.reports.curves import draw_curves, read_metrics
from etude.reports.tables import Job, sweep_table
from etude.runs.folder import RunFolder
from etude.runs.identity import folder_name, settings_name, signature
from etude.runs.logs import logged_to
from etude.runs.manifest import manifest
from etude.runs.progress import TrainingProgress
from etude.runs.results import floor_figures, floors_from, test_figures
from etude.runs.samples import check_sampling, draw, write_samples
from etude.runs.trackers import Trackers, open_trackers

log = logging.getLogger(__name__)


def train(cfg: DictConfig) -> dict[str, Any]:
    """Train as the config says; return the results, which also lie in the run folder."""
    config = plain(cfg)
    _check(config)
    torch.set_num_threads(config["threads"])
    pl.seed_everything(config["seed"], verbose=False)

    data: CorpusDataModule = build(config["data"], seed=config["seed"])
    show.corpus(data)
    check_sampling(config["sampling"], data.encoding, data.vocabulary)
    run = _run_folder(config, data)
    if run.is_done:
        return _shown_again(config, run)
    if run.state != "new":
        show.note(
            f"an attempt before did not finish (state: {run.state}); it starts again from the beginning"
        )

    with run.training(), logged_to(run.log), open_trackers(config, run) as trackers:
        started = time.monotonic()
        _write_papers(run, config, data)
        module = build_module(config, data.vocabulary)
        module.passport = passport(config, data.vocabulary, data.store.fingerprint)
        trainer = _trainer(config, run, trackers)
        show.model(module)
        show.device(trainer.accelerator, config["threads"])
        show.run(run.path)

        files = _sample(TrainedModel(module, data.encoding, data.vocabulary, config), run, trackers, "before")
        with _interruptible():
            trainer.fit(module, datamodule=data)
        [measured] = trainer.test(module, data, ckpt_path="best", verbose=False, weights_only=True)
        trained = load_model(run.checkpoint("best"))
        files += _sample(trained, run, trackers, "after")

        floors = floor_figures(data)
        quoted = [floor for floor in floors_from(floors) if floor.chosen or floor.nats is None]
        files += draw_curves(read_metrics(run.metrics), run.path, quoted)
        results = {
            "model": module.name,
            "folder": str(run.path),
            "test": test_figures(trained.module.network, data, measured),
            "validation": _validation(run),
            "split_overlap": data.overlap,
            "floors": floors,
            "sampling": config["sampling"],
            "minutes": (time.monotonic() - started) / 60,
            "files": [str(path.relative_to(run.path)) for path in files],
        }
        trackers.summarise({key: results[key] for key in ("test", "validation", "minutes")})
        run.finish(results)
    show.results(results, run.path)
    return results


def summarise(outcomes: Sequence[Outcome]) -> None:
    """Print a table of a multirun's jobs."""
    show.console.print(sweep_table([_job(outcome) for outcome in outcomes], title="jobs"))


def _job(outcome: Outcome) -> Job:
    overrides = dict(override.split("=", 1) for override in outcome.overrides)
    if outcome.error:
        return Job(overrides=overrides, folder="", error=outcome.error)
    result = outcome.result
    return Job(
        overrides=overrides,
        folder=result["folder"],
        nats=result["test"]["nats"],
        accuracy=result["test"]["accuracy"],
        minutes=result["minutes"],
    )


def _run_folder(config: dict[str, Any], data: CorpusDataModule) -> RunFolder:
    """The folder of this training: the one that is there already, or one named by what was changed."""
    parent = Path(config["outputs_dir"]) / config["name"]
    sign = signature(config, data.store.fingerprint)
    for found in sorted(parent.glob(f"*_{sign[:8]}")):
        if RunFolder(found).signature == sign:
            return RunFolder(found)
    return RunFolder(parent / folder_name(config, _chosen_defaults(config), sign))


def _check(config: dict[str, Any]) -> None:
    """Raise EtudeError, before anything is made, for what the schema cannot know."""
    accelerator = config["trainer"]["accelerator"]
    there = {"gpu": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(accelerator, True):
        raise EtudeError(
            f"trainer.accelerator={accelerator}: PyTorch finds none on this machine; type "
            "trainer.accelerator=cpu instead"
        )
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", config["name"]) or ".." in config["name"]:
        raise EtudeError(
            f"name={config['name']}: letters, digits, _ . - and / are wanted, since it names a folder"
        )


def _shown_again(config: dict[str, Any], run: RunFolder) -> dict[str, Any]:
    """Show the results of a finished run; draw from it if other samples are asked for than it has."""
    show.note(f"trained before; label=WORD makes a second copy of {run.path}")
    results = {**run.results, "folder": str(run.path)}
    show.results(results, run.path)
    settings = config["sampling"]
    if settings != results.get("sampling"):
        model = load_model(run.checkpoint("best"))
        folder = run.samples / settings_name({"checkpoint": "best", **settings})
        show.files(write_samples(draw(model, settings), model.encoding, folder, settings["forms"]))
    return results


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C through: Lightning turns it into an exit, which the next job of a sweep would survive."""
    try:
        yield
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


def _chosen_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the same group choices without a single key changed."""
    choices = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    lines = [
        f"{group}={choice}"
        for group, choice in choices.items()
        if choice is not None and not group.startswith(("hydra/", "debug"))
    ]
    if "path" in config["data"]:
        lines.append("data.path=anywhere")  # it does not count
    try:
        return plain(compose("train", lines))
    except ConfigError:  # a choice of the user's own, from --config-dir: its name is all that is said of it
        return config


def _write_papers(run: RunFolder, config: dict[str, Any], data: CorpusDataModule) -> None:
    """Write what it takes to repeat the run, before anything can fail."""
    atomic_write(run.config, OmegaConf.to_yaml(OmegaConf.create(config)).encode())
    sign = signature(config, data.store.fingerprint)
    warnings = [warning] if (warning := show.overlap_warning(data.overlap)) else []
    for warning in warnings:
        log.warning(warning)
    run.write_json("manifest.json", manifest(config, data.store.description, sign, warnings))


def _trainer(config: dict[str, Any], run: RunFolder, trackers: Trackers) -> pl.Trainer:
    watched = config["callbacks"]
    callbacks: list[pl.Callback] = [
        ModelCheckpoint(
            dirpath=run.checkpoints,
            filename="best",
            monitor="val/loss",
            save_last=True,
            enable_version_counter=False,
        ),
        TrainingProgress(show.console, show_bar=watched["progress_bar"]),
    ]
    if watched["patience"] is not None:
        callbacks.append(
            EarlyStopping("val/loss", patience=watched["patience"], min_delta=watched["min_delta"])
        )
    return pl.Trainer(
        **config["trainer"],
        callbacks=callbacks,
        logger=trackers.loggers,
        deterministic=True,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        default_root_dir=run.path,
    )


def _sample(model: TrainedModel, run: RunFolder, trackers: Trackers, stage: str) -> list[Path]:
    """Draw music ``before`` or ``after`` training and show it where the trackers can."""
    settings = model.config["sampling"]
    files = write_samples(draw(model, settings), model.encoding, run.samples / stage, settings["forms"])
    trackers.show_samples(stage, files)
    return files


def _validation(run: RunFolder) -> dict[str, Any]:
    """Return the figures of the epoch with the lowest validation loss; epochs are counted from 1."""
    metrics = read_metrics(run.metrics)
    losses, accuracies = dict(metrics["val/loss"]), dict(metrics["val/accuracy"])
    best = min(losses, key=lambda epoch: losses[epoch])
    return {
        "nats": losses[best],
        "accuracy": accuracies[best],
        "best_epoch": round(best) + 1,
        "epochs": len(losses),
    }
