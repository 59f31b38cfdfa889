"""Étude from Python: functions that return objects, print nothing, and leave the process as it was."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import etude
from etude.errors import EtudeError
from etude.music import Piece
from journey import LIMIT

TOY = (*LIMIT, "logger=csv", "model.hidden_dim=8", "sampling.forms=[midi]", "evaluate=off")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("library")


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ETUDE_DATA_DIR", str(folder / "data"))


def state() -> object:
    torch_state = torch.get_rng_state().tolist(), torch.get_num_threads()
    flags = (
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
    )
    return torch_state, flags, random.getstate(), np.random.get_state()[1].tolist(), dict(os.environ)


def test_a_training_returns_its_run_prints_nothing_and_restores_the_process(
    capfd: pytest.CaptureFixture[str],
) -> None:
    torch.set_num_threads(2)
    train = etude.train  # libraries draw random numbers when they are imported
    before = state()
    run = train(*TOY, "threads=1")
    assert state() == before
    torch.set_num_threads(1)
    assert capfd.readouterr() == ("", "")
    assert run.path is not None
    assert run.results["test"]["nats"] > 0
    table = run.metrics
    assert len(table) == len((run.path / "metrics.csv").read_text().splitlines()) - 1
    assert set(table.dtypes.map(str)) == {"float64"}
    assert table["val/loss"].min() == pytest.approx(run.results["validation"]["nats"])
    assert [entry.path.name for entry in etude.runs()] == [run.path.name]
    pieces = etude.sample(run, 2, max_tokens=20)
    assert [type(piece) for piece in pieces] == [Piece, Piece]
    etude.train(*TOY, "threads=1", verbose=True)
    assert "trained before" in capfd.readouterr().out


def test_a_function_is_a_filter() -> None:
    run = etude.train(*TOY)
    seen = []

    def only_rests(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        seen.append(ids.shape)
        kept = [run.vocabulary.id_of["_"], run.vocabulary.id_of["r"]]
        return torch.full_like(logits, -torch.inf).index_copy(1, torch.tensor(kept), logits[:, kept])

    assert [len(piece) for piece in run.sample(2, filters=[only_rests], grammar=False, max_tokens=9)] == [
        0,
        0,
    ]
    assert len(seen) > 1
    with pytest.raises(EtudeError, match=r"wrong makes \(1,\) of logits"):
        run.sample(1, filters=[wrong])


def wrong(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    return logits[:, 0]


def test_a_corpus_and_a_configuration_are_objects() -> None:
    corpus = etude.prepare("data.max_pieces=30")
    assert len(corpus.store) == 30
    assert etude.compose("model=ffn", "model.context=7").model.context == 7
    with pytest.raises(EtudeError, match=r"did you mean model\.hidden_dim"):
        etude.train("model.hiden_dim=3")


def test_the_names_are_listed_with_docstrings_and_imported_late() -> None:
    assert dir(etude) == sorted(etude.__all__)
    assert all(getattr(etude, name).__doc__ for name in etude.__all__)
    code = "import etude, sys; dir(etude); print('torch' in sys.modules, 'hydra' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
