"""``etude sample``: new music from a trained run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from etude.api import find_checkpoint
from etude.commands import console
from etude.config.compose import plain
from etude.config.jobs import Outcome
from etude.models.checkpoint import load_model
from etude.reports.samples_page import SampleRow, Setting, page_path, samples_table, write_page
from etude.runs.identity import settings_name
from etude.sampling.generation import Sample, generate_until, write_samples
from etude.sampling.statistics import sample_statistics


def sample(cfg: DictConfig) -> dict[str, Any]:
    """Draw as the config says; return the figures and the files, which lie in the run's samples/."""
    settings = plain(cfg.sampling)
    torch.set_num_threads(cfg.threads)
    checkpoint, samples = find_checkpoint(cfg.run, cfg.checkpoint)
    model = load_model(checkpoint)
    draws = generate_until(model, settings)
    folder = samples / settings_name({"checkpoint": checkpoint.stem, **settings})
    files = write_samples(draws.samples, model.encoding, folder, settings["forms"])
    for one in draws.samples:
        console.note(f"sample {one.number}: {len(one.tokens)} tokens: {model.encoding.join(one.tokens)}")
        _remarks(one)
    if draws.drawn:
        console.note(
            f"valid: {draws.valid} of {draws.drawn} drawn ({draws.valid / draws.drawn:.0%}), "
            f"{'by the grammar' if settings['grammar'] else 'without a grammar'}"
        )
    console.files(files)
    return {
        "folder": str(folder),
        "files": [str(path) for path in files],
        "drawn": draws.drawn,
        "valid": draws.valid,
        "samples": [sample_statistics(one) for one in draws.samples],
    }


def summarise(outcomes: Sequence[Outcome]) -> None:
    """Print a table of a multirun's settings, and write a page on which their samples stand side by side."""
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
    rows = [SampleRow(**row) for row in found["samples"]]
    return Setting(overrides, Path(found["folder"]), rows, found["drawn"], found["valid"])


def _remarks(one: Sample) -> None:
    if one.repairs:
        console.note("  repaired: " + ", ".join(f"{count} × {what}" for what, count in one.repairs.items()))
    if one.collapsed is not None:
        console.note(
            f"  collapsed: from token {one.collapsed + 1} on the network is sure of nothing but the same; "
            "another seed or a higher temperature may help"
        )
