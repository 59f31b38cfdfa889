"""Numbers out of reach are refused before anything is made, in a sentence."""

import json
from pathlib import Path

import pytest

from etude.config.compose import compose
from etude.errors import EtudeError
from etude.files import write_json
from etude.runs.folder import RunFolder

REFUSED = [
    "optim.lr=1e38", "model.hidden_dim=100000000000000000000", "model.hidden_dim=10000000000",
    "threads=1000000000000", "sampling.max_bars=100000000000000000000", "sampling.max_seconds=1e300",
    "sampling.max_tokens=100000000", "sampling.temperature=1e-40", "sampling.temperature=-1",
    "sampling.temperature=nan", "sampling.repetition_penalty=1e-40", "sampling.repetition_penalty=1e40",
    "data.batch_size=10000000000", f"logger.wandb.tags=[{'x' * 65}]", "logger.wandb.tags=['']",
    "trainer.max_epochs=99999999999",
]  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_a_number_out_of_reach_is_refused_early(line: str) -> None:
    with pytest.raises(EtudeError, match="1 problem") as refused:
        compose("train", [line])
    assert line.split("=", maxsplit=1)[0] in str(refused.value)
    assert "must be" in str(refused.value)


FINE = [
    "sampling.temperature=0", "sampling.temperature=inf", "sampling.temperature=0.001",
    "sampling.repetition_penalty=1.2", "logger.wandb.tags=[baseline,lstm]", "seed=4294967295", "threads=64",
    "optim.lr=10",
]  # fmt: skip


@pytest.mark.parametrize("line", FINE)
def test_numbers_within_reach_pass(line: str) -> None:
    assert compose("train", [line])


def test_json_is_json(tmp_path: Path) -> None:
    content = {"test": {"perplexity": float("inf"), "list": [float("nan"), -float("inf"), 1.5]}}
    write_json(tmp_path / "a.json", content)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {
        "test": {"perplexity": None, "list": [None, None, 1.5]}
    }


def test_a_folder_that_nobody_can_make_is_one_sentence() -> None:
    with pytest.raises(EtudeError, match="cannot be made"), RunFolder(Path("/proc/etude/x")).held("stop"):
        pass
