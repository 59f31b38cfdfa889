"""The verbs that manage runs, on a real toy run: runs, diff, rerun, export, import, rm."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from etude import cli
from journey import Etude
from run_folders import made_up

HASH = slice(-8, None)


def test_runs_lists_filters_and_sorts(etude: Etude, toy_run: Path) -> None:
    made_up(Path("outputs"), "a/large_00000002", nats=0.5, model__hidden_dim=256)
    made_up(Path("outputs"), "a/other_00000003", "failed", seed=1)
    listed = etude("runs")
    assert listed.code == 0
    assert listed.out.rstrip().endswith("3 of 3 runs")
    assert toy_run.name in listed.out
    chosen = etude("runs", "model.hidden_dim>=8", "--sort", "test/nats", "--paths")
    names = ["a/large_00000002", f"erk_lstm_copy/{toy_run.name}", "a/other_00000003"]
    assert chosen.out.split() == [f"outputs/{name}" for name in names]
    assert etude("runs", "state=done", "--sort", "test/nats", "--limit", "1", "--paths").out.split() == [
        "outputs/a/large_00000002"
    ]
    [row] = json.loads(etude("runs", "model.hidden_dim<100", "--json").out)
    assert row["test/nats"] == json.loads((toy_run / "results.json").read_text())["test"]["nats"]
    assert (row["model.hidden_dim"], row["state"], row["data.name"]) == (8, "done", "erk")
    rows = list(csv.DictReader(io.StringIO(etude("runs", "--csv").out)))
    assert {row["state"] for row in rows} == {"done", "failed"}


def test_no_runs_are_no_mistake(etude: Etude) -> None:
    assert etude("runs", "model.hidden_dim>=128", "--json").out.strip() == "[]"
    said = etude("runs")
    assert (said.code, "no runs yet" in said.out) == (0, True)


def test_mistakes_in_words_are_said_without_a_traceback(etude: Etude, toy_run: Path) -> None:
    for words, said in (
        (("runs", "model.hiden_dim>3"), "did you mean model.hidden_dim?"),
        (("runs", "--sort", "tst/nats"), "did you mean test/nats?"),
        (("runs", "--limt", "3"), "did you mean --limit?"),
        (("runs", "--limit", "x"), "whole number"),
        (("runs", "--outputs", "nowhere"), "no folder nowhere"),
        (("diff", "one"), "required: B"),
        (("rm", "nothing_like_it", "--yes"), "Nothing was removed"),
        (("rerun", toy_run.name, "optim.lr=1"), "another training"),
        (("rerun", toy_run.name, "thread=1"), "did you mean threads?"),
        (("import", "nothing.zip"), "there is no file"),
    ):
        done = etude(*words)
        assert (done.code, done.out) == (2, ""), words
        assert said in done.err
        assert "Traceback" not in done.err
    assert toy_run.is_dir()


def test_hundreds_of_runs_are_listed_without_torch(tmp_path: Path) -> None:
    for number in range(300):
        made_up(tmp_path / "outputs", f"sweep/seed-{number}_{number:08}", nats=1 / (number + 1), seed=number)
    code = (
        "import sys\nfrom etude.cli import main\ncode = main(sys.argv[1:])\n"
        "assert not {'torch', 'numpy', 'hydra', 'matplotlib'} & set(sys.modules)\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "runs", "seed>=100", "--sort", "test/nats", "--limit", "300"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line for line in done.stdout.splitlines() if line.startswith(" done")]
    assert len(rows) == 200
    assert "seed-299_" in rows[0]


@pytest.mark.parametrize("verb", ["runs", "diff", "rerun", "export", "import", "rm", "gc"])
def test_the_verbs_are_known(verb: str) -> None:
    assert verb in cli.TOOLS


def test_a_rerun_of_seed_0_is_identical_and_says_so(etude: Etude, toy_run: Path) -> None:
    done = etude("rerun", toy_run.name[HASH])
    assert done.code == 0, done.out + done.err
    assert "differs nothing" in done.out
    assert "identical: " in done.out
    [copy] = [path for path in toy_run.parent.iterdir() if path != toy_run]
    kept = json.loads((copy / "rerun.json").read_text())
    assert kept["identical"]
    assert kept["weights"]["best.ckpt"]["identical"]
    assert (copy / "metrics.csv").read_bytes() == (toy_run / "metrics.csv").read_bytes()
    shown = etude("diff", toy_run.name, copy.name)
    assert "label" in shown.out
    assert "circumstances: the same" in shown.out
    assert "metrics.csv: the same" in shown.out


def test_a_rerun_that_differs_names_the_first_step_and_the_size(etude: Etude, toy_run: Path) -> None:
    (toy_run / "checksums.json").unlink()  # a stranger's, or of another training
    metrics = toy_run / "metrics.csv"
    header, *rows = metrics.read_text().splitlines()
    cells = rows[0].split(",")
    place = next(i for i, cell in enumerate(cells) if cell and header.split(",")[i] not in ("step", "epoch"))
    cells[place] = repr(float(cells[place]) + 0.5)
    metrics.write_text("\n".join([header, ",".join(cells), *rows[1:]]) + "\n")
    checkpoint = torch.load(toy_run / "checkpoints" / "best.ckpt", weights_only=True)
    name = next(iter(checkpoint["state_dict"]))
    checkpoint["state_dict"][name].view(-1)[0] += 0.25
    torch.save(checkpoint, toy_run / "checkpoints" / "best.ckpt")
    manifest = json.loads((toy_run / "manifest.json").read_text())
    manifest["packages"]["torch"] = "1.0"
    (toy_run / "manifest.json").write_text(json.dumps(manifest))
    done = etude("rerun", str(toy_run))
    assert done.code == 1, done.out + done.err
    assert "differs packages.torch: 1.0 then" in done.out
    assert f"different from step {cells[0]} on: {header.split(',')[place]}" in done.out
    assert "apart by 0.5)" in done.out
    assert f"best.ckpt: weights apart by up to 0.25 ({name})" in done.out
    assert "last.ckpt: the same weights" in done.out


def test_a_rerun_on_another_corpus_stops_before_training(etude: Etude, toy_run: Path) -> None:
    (toy_run / "checksums.json").unlink()  # a stranger's, or of another training
    manifest = json.loads((toy_run / "manifest.json").read_text())
    manifest["corpus"]["fingerprint"] = "0" * 64
    manifest["corpus"]["corpus"]["raw_sha256"] = "0" * 64
    (toy_run / "manifest.json").write_text(json.dumps(manifest))
    done = etude("rerun", str(toy_run))
    assert done.code == 2
    assert "corpus.raw_sha256: 0000" in done.err
    assert "--other-corpus" in done.err
    assert [path.name for path in toy_run.parent.iterdir()] == [toy_run.name]


def test_a_stranger_s_config_builds_nothing_but_a_corpus(etude: Etude, toy_run: Path) -> None:
    (toy_run / "checksums.json").unlink()  # a stranger's, or of another training
    text = (toy_run / "config.yaml").read_text()
    (toy_run / "config.yaml").write_text(
        text.replace("etude.encodings.GridEncoding", "etude.files.atomic_write")
    )
    done = etude("rerun", str(toy_run))
    assert done.code == 2
    assert "cannot repeat" in done.err


def test_a_run_travels_and_can_be_sampled_and_repeated_there(
    etude: Etude, toy_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert etude("export", toy_run.name, "run.zip").code == 0
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.chdir(there)
    taken = etude("import", "../run.zip")
    assert taken.code == 0, taken.err
    assert "imported (done)" in taken.out
    assert "prepared here" in taken.out
    assert "is there already" in etude("import", "../run.zip").out
    folder = f"outputs/erk_lstm_copy/{toy_run.name}"
    sampled = etude("sample", f"run={folder}", "sampling.forms=[midi]", "sampling.max_tokens=20")
    assert sampled.code == 0, sampled.err
    repeated = etude("rerun", folder)
    assert repeated.code == 0, repeated.out + repeated.err
    assert "identical: " in repeated.out


def test_rm_asks_and_gc_shows_first(etude: Etude, toy_run: Path) -> None:
    refused = etude("rm", toy_run.name)
    assert (refused.code, toy_run.is_dir()) == (2, True)
    assert "--yes" in refused.err
    failed = made_up(Path("outputs"), "a/failed_00000001", "failed", days=30)
    assert "nothing to remove" in etude("gc").out  # its files are young
    shown = etude("gc", "--days", "0")
    assert str(failed.path) in shown.out
    assert toy_run.name not in shown.out
    assert failed.path.is_dir()
    assert etude("gc", "--days", "0", "--go").code == 0
    assert not failed.path.exists()
    assert etude("rm", toy_run.name, "--yes").code == 0
    assert not toy_run.exists()


def test_offline_wandb_runs_are_listed_for_sync(etude: Etude, toy_run: Path) -> None:
    for name in ("offline-run-1", "offline-run-2"):
        (toy_run / "wandb" / name).mkdir(parents=True)
        (toy_run / "wandb" / name / "run.wandb").write_bytes(b"")
    (toy_run / "wandb" / "offline-run-1" / "run.wandb.synced").touch()
    printed = etude("runs", "sync")
    assert printed.out.split() == [
        "wandb",
        "sync",
        f"outputs/erk_lstm_copy/{toy_run.name}/wandb/offline-run-2",
    ]
    shutil.rmtree(toy_run / "wandb")
    assert "no W&B run waits" in etude("runs", "sync", toy_run.name).out


def test_sync_gives_up_in_time(etude: Etude, toy_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (toy_run / "wandb" / "offline-run-1").mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    failed = etude("runs", "sync", "--go")
    assert (failed.code, "exit code 1" in failed.err) == (2, True)
    slow = toy_run / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    late = etude("runs", "sync", "--go", "--minutes", "0.002")
    assert (late.code, "no answer" in late.err) == (2, True)
