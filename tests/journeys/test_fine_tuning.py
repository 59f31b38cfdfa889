"""Fine-tuning: a training that starts from another run and records that in its folder."""

import json
from collections.abc import Callable
from pathlib import Path

import torch

from journey import TOY, Etude, run_folder

Train = Callable[..., Path]


def test_a_run_starts_from_another_and_can_be_repeated(toy_run: Path, train: Train, etude: Etude) -> None:
    said = etude("train", *TOY, "init_from=latest", "freeze=[embedding]", "data.transpose=false")
    assert said.code == 0, said.out + said.err
    assert f"{toy_run.name}/checkpoints/best.ckpt: 12 of 12 tensors" in said.out
    run = Path(run_folder(said))
    about = json.loads((run / "manifest.json").read_text())["init"]
    assert about["init_from"] == f"outputs/erk_lstm_copy/{toy_run.name}/checkpoints/best.ckpt"
    assert run.name.startswith(f"init-{about['init_sha256'][:8]}_")
    assert about["new_tokens"]

    frozen = []
    tokens = [torch.load(each / "checkpoints/best.ckpt")["etude"]["vocabulary"] for each in (toy_run, run)]
    common = sorted(set.intersection(*map(set, tokens)))
    for each, known in zip((toy_run, run), tokens, strict=True):
        weights = torch.load(each / "checkpoints/best.ckpt")["state_dict"]["network.embedding.weight"]
        at = [known.index(token) for token in common]
        frozen.append(weights[at])
    assert torch.equal(*frozen)

    moved = toy_run.rename(toy_run.with_name("moved"))
    gone = etude("rerun", str(run))
    assert gone.code == 2
    assert f"the weights with init_sha256={about['init_sha256']} are needed" in gone.err
    again = etude("rerun", str(run), f"init_from={moved / 'checkpoints/best.ckpt'}")
    assert again.code == 0, again.out + again.err
    other = etude("rerun", str(run), f"init_from={run / 'checkpoints/best.ckpt'}")
    assert (other.code, "holds other weights" in other.err) == (2, True)


def test_a_finished_run_is_trained_for_more_epochs(toy_run: Path, etude: Etude) -> None:
    said = etude("train", *TOY, f"init_from={toy_run}", "trainer.max_epochs=2")
    assert said.code == 0, said.out + said.err
    assert "12 of 12 tensors and 28 of 28 tokens are taken over" in said.out
    again = etude("train", *TOY, f"init_from={toy_run}/checkpoints/best.ckpt", "trainer.max_epochs=2")
    assert "trained before" in again.out
