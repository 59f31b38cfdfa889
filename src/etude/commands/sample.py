"""``etude sample``: new music from a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from etude.commands import show
from etude.config.compose import plain
from etude.models.checkpoint import load_model
from etude.runs.folder import RunFolder
from etude.runs.identity import settings_name
from etude.runs.samples import draw, write_samples


def sample(cfg: DictConfig) -> dict[str, Any]:
    """Draw as the config says; return the tokens and the files, which lie in the run's samples/."""
    settings = plain(cfg.sampling)
    torch.set_num_threads(cfg.threads)
    run = RunFolder(Path(cfg.run))
    model = load_model(run.checkpoint(cfg.checkpoint))
    drawn = draw(model, settings)
    folder = run.samples / settings_name({"checkpoint": cfg.checkpoint, **settings})
    files = write_samples(drawn, model.encoding, folder, settings["forms"])
    for number, one in enumerate(drawn, start=1):
        show.note(f"sample {number}: {len(one.tokens)} tokens: {model.encoding.join(one.tokens)}")
        if one.repairs:
            show.note("  repaired: " + ", ".join(f"{count} × {what}" for what, count in one.repairs.items()))
    show.files(files)
    return {"folder": str(folder), "files": [str(path) for path in files]}
