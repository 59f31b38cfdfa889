"""What a command imports: nothing slow before a job needs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from etude import cli
from etude.config.compose import compose, plain
from etude.config.resolved import ResolvedConfig
from etude.encodings.vocabulary import Vocabulary
from etude.models.checkpoint import metadata
from etude.models.pretrained import pretrained_names
from forked import say
from networks import module_from

SLOW = [
    "torch", "torch._dynamo", "pytorch_lightning", "music21", "wandb", "matplotlib", "torchmetrics", "numpy",
]  # fmt: skip


IMPORTED = """
import json, sys
from etude.cli import main
lines, slow, found = json.loads(sys.argv.pop()), set(json.loads(sys.argv.pop())), {}
for line in lines:
    before = slow & set(sys.modules)
    try:
        main(line.split())
    except SystemExit:
        pass
    found[line] = sorted(slow & set(sys.modules) - before)
sys.stderr.write("\\n" + json.dumps(found))
"""


def imported_by(*lines: str, cwd: Path, **environment: str) -> dict[str, list[str]]:
    """The slow modules that each command imports, one after the other in a new process."""
    command = [sys.executable, "-c", IMPORTED, json.dumps(SLOW), json.dumps(lines)]
    environment = {**os.environ, **environment}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stderr.splitlines()[-1])
    return found


def test_nothing_slow_is_imported_before_a_job_runs(tmp_path: Path) -> None:
    lines = [
        *(f"{tool} --help" for tool in cli.TOOLS),
        "--help",
        "train --help",
        "train --help model",
        "--version",
        "train --cfg job",
        "train --info defaults",
        "train model.hiden_dim=1",
        "train -m seed=0,-1",
        "runs",
        "trian",
        "-sc install=bash",
        "-sc query=bash",
    ]
    imported = imported_by(*lines, cwd=tmp_path, COMP_LINE="etude train model.hid")
    assert imported == {line: [] for line in lines}


def test_a_prepared_corpus_is_shown_without_torch(tmp_path: Path) -> None:
    prepared = "prepare data.max_pieces=20"
    assert say(tmp_path, *prepared.split()).code == 0
    assert imported_by(prepared, cwd=tmp_path) == {prepared: ["numpy"]}


def test_sampling_imports_nothing_that_only_a_training_needs(tmp_path: Path) -> None:
    """Neither Lightning nor PyTorch's compiler, whose imports take longer than a melody takes."""
    vocabulary = Vocabulary.of(["60", "62", "_", "r"])
    config = plain(compose("train", ["model.hidden_dim=4"]))
    weights = module_from(config, vocabulary).state_dict()
    stored = metadata(ResolvedConfig(config), vocabulary, "")
    torch.save({"state_dict": weights, "etude": stored}, tmp_path / "a.ckpt")
    few = "sampling.forms=[midi] sampling.num_samples=1 sampling.max_tokens=16"
    first, *others = (f"sample run={name} {few}" for name in ("a.ckpt", *pretrained_names()))
    expected = {first: ["numpy", "torch"], **{line: [] for line in others}}
    assert imported_by(first, *others, cwd=tmp_path) == expected
    assert list(tmp_path.glob("a-samples/*/*.mid"))


@pytest.mark.parametrize("line", ["train --help", "runs"])
def test_help_and_lists_do_not_even_import_hydra(tmp_path: Path, line: str) -> None:
    code = (
        f"import sys\nfrom etude.cli import main\nmain({line.split()})\n"
        "assert not {'hydra', 'multiprocessing'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)
