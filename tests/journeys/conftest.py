"""Journeys: whole commands as a user types them, in this process (an import of torch costs seconds)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from drawn_curves import drawings, drawn_curves
from etude.cli import main
from forked import forked_jobs
from journey import TOY, Etude, Said, run_folder
from shared_checkout import shared_checkout

__all__ = ["drawings", "drawn_curves", "forked_jobs", "shared_checkout"]


@pytest.fixture
def etude(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Etude:
    """Type ``etude …`` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETUDE_DATA_DIR", str(data_dir))

    def run(*arguments: str) -> Said:
        capfd.readouterr()
        code = main(arguments)
        return Said(code, *capfd.readouterr())

    return run


@pytest.fixture
def train(etude: Etude, tmp_path: Path) -> Callable[..., Path]:
    """Train at toy size and return the run folder."""

    def run(*arguments: str) -> Path:
        said = etude("train", *TOY, *arguments)
        assert said.code == 0, said.out + said.err
        return tmp_path / run_folder(said)

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """One toy run, trained once; not to be written to."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ETUDE_DATA_DIR", str(data_dir))
        assert main(["train", *TOY]) == 0
    [run] = (folder / "outputs" / "erk_lstm_copy").iterdir()
    return run


@pytest.fixture
def toy_run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the toy run, to be sampled from, moved or broken."""
    return Path(shutil.copytree(trained, tmp_path / "outputs" / "erk_lstm_copy" / trained.name))
