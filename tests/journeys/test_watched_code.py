"""Every line of ours that runs while a model trains is in a file that is watched, or left out by a rule."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import pytorch_lightning as pl

from etude.config.compose import compose, plain
from etude.runs.code_hash import ROOT, is_watched, training_code
from journey import TOY, Etude

pytestmark = pytest.mark.journey


def test_what_runs_during_the_training_is_watched(etude: Etude, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: set[str] = set()
    fit: Callable[..., Any] = pl.Trainer.fit

    def note(frame: FrameType, event: str, argument: object) -> None:
        ran.add(frame.f_code.co_filename)

    def watched_fit(*args: Any, **kwargs: Any) -> Any:
        sys.setprofile(note)
        try:
            return fit(*args, **kwargs)
        finally:
            sys.setprofile(None)

    monkeypatch.setattr(pl.Trainer, "fit", watched_fit)
    words = [*TOY, "schedule=cosine", "label=watched"]
    assert etude("train", *words).code == 0
    ours = {Path(name).relative_to(ROOT).as_posix() for name in ran if Path(name).is_relative_to(ROOT)}
    assert {"models/lstm.py", "training/resume.py"} <= ours
    modules = {file: f"etude.{file.removesuffix('.py').replace('/', '.')}" for file in ours}
    counting = {file for file, module in modules.items() if is_watched(module)}
    assert counting - training_code(plain(compose("train", words))).keys() == set()
