"""``etude sample``: generate music with a trained run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from etude.commands import console
from etude.commands.report_pages import open_samples_page
from etude.config.compose import plain
from etude.config.fields import from_plain
from etude.config.jobs import Outcome
from etude.errors import EtudeError
from etude.evaluation.samples_file import generate_into, usual_sampling
from etude.evaluation.statistics import SampleStatistics, sample_statistics, well_formed_line
from etude.models.checkpoint import load_model
from etude.reports.samples_page import Setting, page_path, samples_table, write_page
from etude.runs.identity import settings_name
from etude.runs.lookup import find_checkpoint, named_again
from etude.sampling.context import TrainingContext
from etude.sampling.samples import Sample
from etude.sampling.settings import SamplingSettings


def sample(cfg: DictConfig) -> dict[str, Any]:
    """Generate music as configured into the run's samples/ or ``samples_dir``; return what came of it."""
    values = plain(cfg.sampling)
    settings = from_plain(SamplingSettings, values)
    torch.set_num_threads(cfg.threads)
    checkpoint, samples = find_checkpoint(cfg.run, cfg.checkpoint)
    samples = Path(cfg.samples_dir) if cfg.samples_dir else samples
    _check_writable(samples)
    model = load_model(checkpoint)
    folder = samples / settings_name(
        {"checkpoint": checkpoint.stem, **values}, {"checkpoint": "best", **usual_sampling()}
    )
    checked = cfg.copy_check and settings.num_samples
    learnt = TrainingContext.of_model(model).corpus if checked else None
    source = named_again(cfg.run, checkpoint)
    batch, files = generate_into(folder, model, settings, source=source, learnt=learnt)
    for one in batch.samples:
        console.note(f"sample {one.number}: {len(one.tokens)} tokens: {model.encoding.join(one.tokens)}")
        _remarks(one)
    if batch.generated:
        console.note(well_formed_line(batch.valid, batch.generated))
    console.files(files)
    open_samples_page(folder)
    return {
        "folder": str(folder),
        "files": [str(path) for path in files],
        "generated": batch.generated,
        "valid": batch.valid,
        "samples": [dataclasses.asdict(sample_statistics(one)) for one in batch.samples],
    }


def _check_writable(folder: Path) -> None:
    """Raise EtudeError if nothing can be written in a folder, as on a read-only disk."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not os.access(there, os.W_OK):
        raise EtudeError(f"{there} cannot be written to; type samples_dir=FOLDER, a folder of your own")


def summarise(outcomes: Sequence[Outcome]) -> None:
    """Print a table of a multirun's settings; write a page with their samples side by side."""
    settings = [_setting(outcome) for outcome in outcomes]
    console.console.print(samples_table(settings))
    folders = [setting.folder for setting in settings if setting.folder is not None]
    if folders:
        page = page_path(folders)
        write_page(settings, page)
        console.files([page])


def _setting(outcome: Outcome) -> Setting:
    overrides = dict(override.split("=", 1) for override in outcome.overrides)
    if outcome.error:
        return Setting(overrides, None, [], 0, 0, outcome.error)
    found = outcome.result
    rows = [SampleStatistics(**row) for row in found["samples"]]
    return Setting(overrides, Path(found["folder"]), rows, found["generated"], found["valid"])


def _remarks(one: Sample) -> None:
    if one.repairs:
        console.note("  repaired: " + ", ".join(f"{count} × {what}" for what, count in one.repairs.items()))
    if one.extra_bars:
        console.note(f"  not only whole phrases; bars after the last one: {one.extra_bars}")
    if one.degenerate_from is not None:
        console.note(
            f"  degenerate: from token {one.degenerate_from + 1} on the network is sure of nothing but the "
            "same event; another seed or a higher temperature may help"
        )
