"""Weights & Biases offline, read back from its own file; TensorBoard's event files."""

import csv
import json
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import wandb

from etude.errors import EtudeError
from etude.sweeps.wandb_rows import offline
from etude.training import trackers
from journey import LIMIT, Etude, inspect, run_folder

QUICK = ("train", *LIMIT, "model.hidden_dim=8", "trainer.max_epochs=1", "sampling.forms=[]")


def wandb_runs(folder: Path) -> list[dict[str, Any]]:
    """Content of each offline run below a folder, by W&B's own reader."""
    files = sorted(folder.glob("outputs/**/wandb/offline-run-*/run-*.wandb"))
    return [json.loads(inspect("--summary", "--json", str(file))) for file in files]


def test_a_training_is_one_offline_run_with_metrics_config_and_samples(etude: Etude, tmp_path: Path) -> None:
    said = etude(*QUICK, "sampling.forms=[wav,roll]")
    assert said.code == 0, said.err
    [run] = wandb_runs(tmp_path)
    assert (run["state"], run["exit_code"]) == ("finished", 0)
    assert run["config"]["model.hidden_dim"] == 8
    results = json.loads((tmp_path / run_folder(said) / "results.json").read_text())
    summary = run["summary"]
    assert abs(summary["test.nats"] - results["test"]["nats"]) < 1e-6
    assert abs(summary["val/loss"] - results["validation"]["nats"]) < 1e-6
    for key in ("train/loss", "train/accuracy", "val/accuracy", "val/perplexity", "test/loss"):
        assert key in summary, key
    for stage in ("before", "after"):
        assert summary[f"samples/{stage}/sample-1.wav"]["_type"] == "audio-file"
        assert summary[f"samples/{stage}/sample-1.png"]["_type"] == "image-file"


def test_metrics_are_drawn_against_epoch_or_step(etude: Etude, tmp_path: Path) -> None:
    assert etude(*QUICK).code == 0
    [file] = tmp_path.glob("outputs/**/wandb/offline-run-*/run-*.wandb")
    records = [json.loads(line) for line in inspect("--json", str(file)).splitlines()]
    text = [json.dumps(record) for record in records if record["type"] == "metric"]
    for metric, axis in (
        ("val/*", "epoch"),
        ("train/loss", "epoch"),
        ("train/loss_step", "trainer/global_step"),
    ):
        assert any(f'"{metric}"' in line and f'"{axis}"' in line for line in text), (metric, text)


def test_without_an_account_the_advice_that_is_given_works(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setattr(trackers, "_unreachable", lambda server: "")
    said = etude(*QUICK, "logger.wandb.mode=online")
    assert said.code == 2
    assert "logger.wandb.mode=online needs an account" in said.err
    assert etude(*QUICK, "logger.wandb.mode=offline").code == 0


@pytest.mark.parametrize("server", ["http://127.0.0.1:{port}", "https://no-such-host.invalid"])
def test_a_server_that_cannot_be_reached_is_named_before_the_run_begins(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        server = server.format(port=closed.getsockname()[1])
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(wandb, "setup", lambda: SimpleNamespace(settings=SimpleNamespace(base_url=server)))
    said = etude(*QUICK, "logger.wandb.mode=online")
    assert said.code == 2
    assert f"the W&B server {server} cannot be reached" in said.err
    assert "logger.wandb.mode=offline" in said.err
    [run] = tmp_path.glob("outputs/*/*")
    assert not (run / "status.json").exists()


def test_a_key_that_the_server_refuses_is_one_sentence(etude: Etude, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**asked: Any) -> bool:
        raise wandb.errors.AuthenticationError("the key is not valid")

    monkeypatch.setattr(trackers, "_unreachable", lambda server: "")
    monkeypatch.setattr(wandb, "login", refused)
    said = etude(*QUICK, "logger.wandb.mode=online")
    assert (said.code, "the key is not valid; type wandb login again" in said.err) == (2, True)


@pytest.mark.parametrize("logger", ["wandb", "own"])
def test_a_logger_that_cannot_be_made_does_not_fail_the_run(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logger: str
) -> None:
    def refused(*args: Any, **kwargs: Any) -> Any:
        raise wandb.errors.CommError("the project is locked") if logger == "wandb" else EtudeError("no room")

    monkeypatch.setattr(*((wandb, "init") if logger == "wandb" else (trackers, "own_loggers")), refused)
    said = etude(*QUICK)
    assert said.code == 2
    assert ("the project is locked" if logger == "wandb" else "no room") in said.err
    [run] = tmp_path.glob("outputs/*/*")
    assert not (run / "status.json").exists()


def test_a_multirun_is_one_run_for_each_training_and_a_table(etude: Etude, tmp_path: Path) -> None:
    said = etude(*QUICK, "-m", "model.hidden_dim=4,8", "data.sequence_len=16,32", "model.dropout=0.0")
    assert said.code == 0, said.err
    runs = list(offline(tmp_path / "outputs"))
    tried = {(run.config["model.hidden_dim"], run.config["data.sequence_len"]) for run in runs}
    assert [run.state for run in runs] == ["finished"] * 4
    assert tried == {(4, 16), (4, 32), (8, 16), (8, 32)}
    assert len({file.name for file in tmp_path.glob("outputs/**/run-*.wandb")}) == 4
    table = said.out.split("jobs")[-1]
    assert "hidden_dim" in table
    assert "sequence_len" in table
    assert len(list(tmp_path.glob("outputs/erk_lstm/*/results.json"))) == 4
    for folder in tmp_path.glob("outputs/erk_lstm/*"):
        assert folder.name in table

    # seen as a whole, it is the same from the folders and from what W&B wrote of the group
    [sweep] = tmp_path.glob("outputs/sweeps/*")
    assert etude("sweep-report", str(sweep)).code == 0
    assert etude("sweep-report", "--wandb", sweep.name).code == 0
    axes = ("model.hidden_dim", "data.sequence_len")
    figures = ("validation_nats", "best_epoch", "test_nats", "test_accuracy")
    tables = [
        {
            tuple(row[key] for key in axes): [float(row[key]) for key in figures]
            for row in csv.DictReader(file.open())
        }
        for file in (sweep / "table.csv", tmp_path / f"outputs/wandb-{sweep.name}" / "table.csv")
    ]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 4


def test_a_failed_training_is_marked_failed_and_the_others_go_on(etude: Etude, tmp_path: Path) -> None:
    said = etude(*QUICK)
    run = tmp_path / run_folder(said)
    shutil.rmtree(run / "wandb")
    shutil.rmtree(run / "samples")
    (run / "results.json").unlink()
    (run / "status.json").unlink()
    (run / "samples").write_text("in the way")

    said = etude(*QUICK, "-m", "seed=0,1")
    assert said.code == 1
    assert "Traceback" in (run / "train.log").read_text()
    assert json.loads((run / "status.json").read_text())["state"] == "failed"
    states = sorted((found["state"], found["config"]["seed"]) for found in wandb_runs(tmp_path))
    assert states in ([("crashed", 0), ("finished", 1)], [("failed", 0), ("finished", 1)])
    assert "failed" in said.out


def test_wandb_disabled_and_csv_leave_no_wandb_folder(etude: Etude, tmp_path: Path) -> None:
    assert etude(*QUICK, "logger.wandb.mode=disabled").code == 0
    assert etude(*QUICK, "logger=csv", "label=csv").code == 0
    assert not list(tmp_path.glob("outputs/**/*.wandb"))
    assert len(list(tmp_path.glob("outputs/erk_lstm/*/metrics.csv"))) == 2


def test_tensorboard_has_the_metrics(etude: Etude, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert etude(*QUICK, "logger=tensorboard").code == 0
    file = next(tmp_path.glob("outputs/**/events.out.tfevents.*"))
    events = EventAccumulator(str(file.parent))
    events.Reload()
    assert {"train/loss", "val/loss", "val/accuracy", "test/loss"} <= set(events.Tags()["scalars"])
