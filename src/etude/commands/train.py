"""``etude train``: one model on one corpus, from raw files to music."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.utilities.seed import isolate_rng

from etude.commands import show
from etude.config.build import build
from etude.config.compose import plain
from etude.data.module import CorpusDataModule
from etude.errors import Pruned
from etude.models.checkpoint import TrainedModel, build_module, load_model, passport
from etude.models.module import SequenceModule
from etude.reports.curves import draw_curves, read_metrics
from etude.runs.asking import asked, ignored
from etude.runs.checkpoints import ResumePoint, resume_point
from etude.runs.finding import check_name, find_run
from etude.runs.folder import RunFolder
from etude.runs.identity import settings_name
from etude.runs.logs import logged_to
from etude.runs.manifest import write_papers
from etude.runs.ranks import helpers
from etude.runs.results import floor_figures, floors_from, test_figures, validation_figures
from etude.runs.resume import Resume
from etude.runs.samples import check_sampling, draw, write_samples
from etude.runs.signals import stop_signals
from etude.runs.trackers import Trackers, check_account, open_trackers
from etude.runs.trainer import check_accelerator, check_devices, interruptible, make_trainer


def train(cfg: DictConfig) -> dict[str, Any]:
    """Train as the config says; return the results, which also lie in the run folder."""
    config = plain(cfg)
    check_accelerator(config["trainer"]["accelerator"])
    check_name(config["name"])
    torch.set_num_threads(config["threads"])
    pl.seed_everything(config["seed"], verbose=False)

    data: CorpusDataModule = build(config["data"], seed=config["seed"])
    show.corpus(data)
    check_sampling(config["sampling"], data.encoding, data.vocabulary, config)
    run = find_run(config, data.store.fingerprint)
    with asked(run, config) as answer:
        if answer == "show":
            return _shown_again(config, run)
        if answer == "skip":
            return _left_alone(run)
        start = resume_point(run) if answer == "continue" else None
        return train_into(run, config, data, start)


def train_into(
    run: RunFolder, config: dict[str, Any], data: CorpusDataModule, start: ResumePoint | None = None
) -> dict[str, Any]:
    """Train in a folder that this process holds, from ``start`` or the beginning; return the results.

    What cannot be done is said before the run's state changes, so that typing it right goes on.
    """
    show.start(run, start)
    try:
        with stop_signals() as stop, logged_to(run.log):
            check_account(config)
            module = build_module(config, data.vocabulary)
            module.passport = passport(config, data.vocabulary, data.store.fingerprint)
            check_devices(config, module.network, start)
            model = TrainedModel(module, data.encoding, data.vocabulary, config)
            if not start:
                run.clear()
            with run.training() as attempt:
                write_papers(run, config, data, [show.overlap_warning(data.overlap)], start)
                with open_trackers(config, run, attempt, start) as trackers:
                    resume = Resume(run, stop, config["callbacks"]["checkpoint_minutes"], start)
                    results = _trained(run, model, data, trackers, resume)
    except Pruned as stopped:
        show.note(str(stopped))
        return {"folder": str(run.path), "state": "pruned"}
    show.results(results, run.path)
    return results


def _trained(
    run: RunFolder,
    model: TrainedModel,
    data: CorpusDataModule,
    trackers: Trackers,
    resume: Resume,
) -> dict[str, Any]:
    """Fit → test → samples → floors → results."""
    module, config = model.module, model.config
    with helpers(run, config):
        trainer = make_trainer(config, run, trackers.loggers, show.console, resume)
        show.model(module)
        show.device(trainer.accelerator, config["threads"])
        show.run(run.path)
        files = _sample(model, run, trackers, "before")
        measured = fit_and_test(trainer, module, data, run, resume)
    trained = load_model(run.checkpoint("best"))
    files += _sample(trained, run, trackers, "after")

    floors, metrics = floor_figures(data), read_metrics(run.metrics)
    quoted = [floor for floor in floors_from(floors) if floor.chosen or floor.nats is None]
    files += draw_curves(metrics, run.path, quoted)
    results = {
        "model": module.name,
        "folder": str(run.path),
        "test": test_figures(trained.module.network, data, measured),
        "validation": validation_figures(metrics),
        "split_overlap": data.overlap,
        "floors": floors,
        "sampling": config["sampling"],
        "minutes": resume.seconds / 60,
        "files": [str(path.relative_to(run.path)) for path in files],
    }
    trackers.summarise({key: results[key] for key in ("test", "validation", "minutes")})
    run.finish(results)
    return results


def fit_and_test(
    trainer: pl.Trainer, module: SequenceModule, data: CorpusDataModule, run: RunFolder, resume: Resume
) -> Mapping[str, float]:
    """Train from where ``resume`` says; return what the best weights reach on the test set."""
    with interruptible():
        trainer.fit(module, datamodule=data, ckpt_path=resume.path, weights_only=True)
        best = run.checkpoint("best")
        [measured] = trainer.test(module, data, ckpt_path=best, verbose=False, weights_only=True)
    return measured


def _shown_again(config: dict[str, Any], run: RunFolder) -> dict[str, Any]:
    """Show the results of a finished run; draw from it if other samples are asked for than it has."""
    show.note(f"trained before; label=WORD makes a second copy of {run.path}")
    if unused := ignored(run, config):
        show.note(f"it is not trained again for {' '.join(unused)}")
    results = {**run.results, "folder": str(run.path)}
    show.results(results, run.path)
    settings = config["sampling"]
    if settings != results.get("sampling"):
        model = load_model(run.checkpoint("best"))
        folder = run.samples / settings_name({"checkpoint": "best", **settings})
        show.files(write_samples(draw(model, settings), model.encoding, folder, settings["forms"]))
    return results


def _left_alone(run: RunFolder) -> dict[str, Any]:
    """Say that another process is training the run; there are no figures yet."""
    show.note(f"another process is training {run.path}; it is left alone")
    return {"folder": str(run.path), "state": "running"}


def _sample(model: TrainedModel, run: RunFolder, trackers: Trackers, stage: str) -> list[Path]:
    """Draw music ``before`` or ``after`` training and show it where the trackers can."""
    settings = model.config["sampling"]
    with isolate_rng():  # what is drawn must not count for the training
        files = write_samples(draw(model, settings), model.encoding, run.samples / stage, settings["forms"])
    trackers.show_samples(stage, files)
    return files
