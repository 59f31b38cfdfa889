"""Mistakes outside the configuration: strangers' files, Ctrl-C, half a run folder, other requests."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from etude.runs.checksums import write_checksums
from forked import alone, begin, end, typed
from journey import LIMIT, TOY, Etude, run_folder

PAYLOADS = [
    {"_target_": "etude.runs.manifest._git", "_args_": ["-c", "alias.x=!touch pwned", "x"]},
    {"_target_": "etude.files.atomic_write", "path": "pwned", "data": "x"},
    {"_target_": "etude.runs.folder.RunFolder", "path": "pwned"},  # a class of ours, but of the wrong kind
    {"_target_": "subprocess.run", "args": ["touch", "pwned"]},
    {"_target_": "etude.encodings.GridEncoding", "step": {"_target_": "etude.runs.manifest.git_state"}},
    {"_target_": "etude.encodings.GridEncoding", "_partial_": True},
]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("slot", ["encoding", "model"])
def test_a_stranger_s_checkpoint_runs_nothing(
    toy_run: Path, etude: Etude, tmp_path: Path, payload: dict[str, object], slot: str
) -> None:
    path = toy_run / "checkpoints" / "best.ckpt"
    content = torch.load(path, weights_only=True)
    config = content["etude"]["config"]
    (config["data"] if slot == "encoding" else config)[slot] = payload
    torch.save(content, path)
    write_checksums(toy_run)  # a stranger can make those fit, too
    said = etude("sample", f"run={toy_run}")
    assert said.code == 2
    assert "stored configuration" in said.err or "_target_" in said.err
    assert not list(tmp_path.rglob("pwned"))


def test_a_run_on_a_read_only_disk_is_sampled_into_a_folder_of_ones_own(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "theirs" / "checkpoints"
    run.mkdir(parents=True)
    (run / "best.ckpt").touch()
    # to the superuser, whom no test can stop from writing, every folder is writable
    monkeypatch.setattr("os.access", lambda place, mode: run.parent not in (place, *place.parents))
    said = etude("sample", f"run={run / 'best.ckpt'}")
    assert (said.code, "type samples_dir=FOLDER" in said.err) == (2, True)
    assert "is not a checkpoint" in etude("sample", f"run={run / 'best.ckpt'}", "samples_dir=mine").err


@pytest.mark.parametrize("content", [b"", b"root:x:0:0\n", b"\x80\x02a.", b"PK\x03\x04 and no more"])
def test_a_file_that_is_no_checkpoint_is_refused(etude: Etude, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "some.ckpt").write_bytes(content)
    said = etude("sample", "run=some.ckpt")
    assert said.code == 2
    assert "some.ckpt is not a checkpoint" in said.err
    assert "Traceback" not in said.err


def test_sizes_that_no_memory_holds_are_a_mistake_in_a_sentence(etude: Etude, tmp_path: Path) -> None:
    said = etude("train", *TOY, f"model.hidden_dim={10**9}")  # more than a process can address
    assert said.code == 2
    assert "not enough memory: make data.batch_size" in said.err
    assert "Traceback" not in said.err
    [log] = tmp_path.glob("outputs/erk_lstm_copy/*/train.log")
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize(
    ("run", "more"),
    [
        pytest.param(alone, (), id="one"),
        pytest.param(alone, ("-m", "seed=0,1"), id="sweep"),  # tests/sweeps/test_pool.py has the server
        pytest.param(typed, ("-m", "seed=0,1"), id="sweep with a server", marks=pytest.mark.soak),
    ],
)
def test_ctrl_c_ends_the_command_and_the_run_says_so(
    tmp_path: Path,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[[tuple[str, ...]], int],
    more: tuple[str, ...],
) -> None:
    monkeypatch.setenv("ETUDE_DATA_DIR", str(data_dir))
    endless = ("trainer.max_epochs=5000", "callbacks.patience=null", *more)
    started = begin(tmp_path, "train", *TOY, *endless, run=run)
    deadline = time.monotonic() + 120
    while (
        not list(tmp_path.glob("outputs/erk_lstm_copy/*/checkpoints/last.ckpt"))
        and time.monotonic() < deadline
    ):
        time.sleep(0.1)
    os.killpg(started, signal.SIGINT)  # as a terminal does
    code, out = end(started), (tmp_path / "said.txt").read_text()
    assert code == 130, out
    assert "Traceback" not in out
    [folder] = tmp_path.glob("outputs/erk_lstm_copy/*")
    assert json.loads((folder / "status.json").read_text())["state"] == "interrupted"


def test_a_finished_run_is_sampled_again_for_other_samples(toy_run: Path, etude: Etude) -> None:
    said = etude("train", *TOY, "sampling.temperature=1.3")
    assert said.code == 0
    assert "trained before" in said.out
    assert list(toy_run.glob("samples/temperature-1.3*/sample-1.mid"))
    assert not list(toy_run.glob("samples/temperature-0.9*"))


@pytest.mark.parametrize("name", ["results.json", "status.json", "checkpoints/best.ckpt"])
def test_half_a_run_folder_is_made_whole(toy_run: Path, etude: Etude, name: str) -> None:
    (toy_run / name).write_text("{") if name.endswith("json") else (toy_run / name).unlink()
    said = etude("train", *TOY)
    assert said.code == 0, said.err
    assert "trained before" not in said.out
    assert Path(run_folder(said)).name == toy_run.name
    assert json.loads((toy_run / "results.json").read_text())["test"]["nats"] > 0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.accelerator=gpu", "PyTorch finds none"),
        ("seed=99999999999", "seed"),
        ("name=../elsewhere", "names a folder"),
        ("sampling.primer='99 65'", "unknown token '99'"),
        ("sampling.primer='<end>'", "ends a piece"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_made(
    etude: Etude, tmp_path: Path, override: str, message: str
) -> None:
    if "gpu" in override and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    said = etude("train", *TOY, override)
    assert said.code == 2
    assert message in said.err
    assert not (tmp_path / "outputs").exists()


def test_a_batch_larger_than_the_corpus_cannot_be_left_out(etude: Etude) -> None:
    said = etude("train", *TOY, "data.drop_last=true", "data.batch_size=100000")
    assert said.code == 2
    assert "data.drop_last" in said.err


def test_a_choice_of_the_user_s_own_folder_trains(etude: Etude, tmp_path: Path) -> None:
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "tiny.yaml").write_text(
        "defaults: [lstm, _self_]\nname: tiny\nhidden_dim: 4\n"
    )
    said = etude("train", "-cd", "mine", *LIMIT, "logger=csv", "model=tiny", "sampling.forms=[]")
    assert said.code == 0, said.err
    assert run_folder(said).startswith("outputs/erk_tiny/")
