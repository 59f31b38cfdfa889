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

from etude.cli import main
from etude.errors import EtudeError
from etude.runs.comparison import weights_difference
from etude.runs.identity import flatten
from etude.sweeps.wandb_rows import offline
from etude.training import trackers, wandb_account
from journey import LIMIT, Etude, inspect, run_folder

QUICK = ("train", *LIMIT, "model.hidden_dim=8", "trainer.max_epochs=1", "sampling.forms=[]")


def wandb_runs(folder: Path) -> list[dict[str, Any]]:
    """Content of each offline run below a folder, by W&B's own reader."""
    files = sorted(folder.glob("outputs/**/wandb/offline-run-*/run-*.wandb"))
    return [json.loads(inspect("--summary", "--json", str(file))) for file in files]


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """The folder of one training of two epochs, shown by W&B and TensorBoard; not to be written to."""
    folder = tmp_path_factory.mktemp("tracked")
    words = ("trainer.max_epochs=2", "trainer.log_every_n_steps=3", "sampling.forms=[wav,score,roll]",
             "sampling.max_tokens=16", "callbacks.sample_every_n_epochs=2", "logger.tensorboard=true",
             "logger.wandb.log_model=true", "logger.wandb.tags=[mine]")  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ETUDE_DATA_DIR", str(data_dir))
        patch.setenv("WANDB_DATA_DIR", str(folder))
        assert main([*QUICK, *words]) == 0
    [run] = folder.glob("outputs/erk_lstm_copy/*")
    return run


@pytest.fixture(scope="module")
def records(tracked: Path) -> dict[str, list[dict[str, Any]]]:
    """The records of its W&B file by type, as W&B's own reader gives them."""
    [file] = tracked.glob("wandb/offline-run-*/run-*.wandb")
    found: dict[str, list[dict[str, Any]]] = {}
    for record in map(json.loads, inspect("--json", str(file)).splitlines()):
        found.setdefault(record["type"], []).append(record[record["type"]])
    return found


@pytest.fixture(scope="module")
def summary(tracked: Path) -> dict[str, Any]:
    [run] = wandb_runs(tracked.parents[2])
    assert (run["state"], run["exit_code"]) == ("finished", 0)
    return run["summary"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def results(tracked: Path) -> dict[str, Any]:
    return json.loads((tracked / "results.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def board(tracked: Path) -> Any:
    """TensorBoard's own reader of the event files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tracked / "tensorboard"), size_guidance={"images": 0, "audio": 0})
    events.Reload()
    return events


def test_a_training_is_one_offline_run_that_says_which(tracked: Path, records: Any) -> None:
    manifest = json.loads((tracked / "manifest.json").read_text())
    run = records["run"][0]
    config = run["config"]["update"]
    assert config["model"]["hidden_dim"] == 8
    assert config["signature"] == manifest["signature"]
    assert config["corpus_fingerprint"] == manifest["corpus"]["fingerprint"]
    assert run["tags"] == ["mine", "lstm_copy", "erk"]


def test_each_pair_of_metrics_has_one_axis(records: Any) -> None:
    defined = [
        (m.get("name") or m["glob_name"], m["step_metric"]) for m in records["metric"] if "step_metric" in m
    ]
    axes = dict(defined)
    for name in ("loss", "accuracy", "perplexity"):
        assert axes[f"train/{name}"] == axes[f"val/{name}"] == "epoch"
    assert axes["val/*"] == axes["baselines/*"] == "epoch"
    assert axes["train/loss_step"] == axes["train/lr"] == axes["train/grad_norm"] == "trainer/global_step"


def test_the_summary_has_the_best_and_each_test_metric_once(
    summary: dict[str, Any], records: Any, results: dict[str, Any]
) -> None:
    losses = [each["item"]["val/loss"] for each in records["history"] if "val/loss" in each["item"]]
    assert len(losses) == 2
    assert summary["val/loss"] == {"min": min(losses), "last": losses[-1]}
    assert summary["val/accuracy"]["max"] == pytest.approx(results["validation"]["accuracy"])
    assert summary["val/loss"]["min"] == pytest.approx(results["validation"]["nats"])
    test = {name: value for name, value in summary.items() if name.startswith("test")}
    assert test == pytest.approx(
        {f"test/{name.replace('.', '/')}": value for name, value in flatten(results["test"]).items()}
    )
    assert not [name for each in records["history"] for name in each["item"] if name.startswith("test")]


def test_rate_norm_and_speed_are_logged(records: Any) -> None:
    items = [each["item"] for each in records["history"]]
    steps = [item for item in items if "train/loss_step" in item]
    assert steps
    assert all(item["train/lr"] > 0 and item["train/grad_norm"] > 0 for item in steps)
    assert len([item for item in items if item.get("time/tokens_per_second", 0) > 0]) == 2
    assert len([item for item in items if item.get("time/epoch_seconds", 0) > 0]) == 2


def test_baselines_are_lines_from_the_first_epoch_to_the_last(records: Any, results: dict[str, Any]) -> None:
    [best] = [each for each in results["baselines"] if each["chosen"]]
    name = f"baselines/loss/{best['name']}"
    points = [
        (each["item"]["epoch"], each["item"][name]) for each in records["history"] if name in each["item"]
    ]
    assert points == [(0, best["nats"]), (2, best["nats"])]


def test_samples_can_be_heard_seen_and_read(tracked: Path, summary: dict[str, Any]) -> None:
    for stage, folder in (("before", "before"), ("epochs", "epoch-02"), ("after", "after")):
        shown = f"samples/{stage}/"
        assert summary[f"{shown}sample-1.wav"]["_type"] == "audio-file"
        for picture in ("sample-1.png", "sample-1.score.png"):
            assert summary[shown + picture]["_type"] == "image-file"
        [file] = tracked.glob(f"wandb/offline-run-*/files/{summary[f'{shown}table']['path']}")
        table = json.loads(file.read_text())
        [known] = json.loads((tracked / "samples" / folder / "samples.json").read_text())["samples"]
        tokens = (tracked / "samples" / folder / "sample-1.tokens.txt").read_text().strip()
        assert table["columns"] == ["sample", "tokens", "well formed", "nats per token"]
        assert table["data"] == [[1, tokens, known["valid"], pytest.approx(known["nats"])]]


def test_what_is_shown_changes_no_weight(tracked: Path, trained: Path) -> None:
    found = [weights_difference(*(run / "checkpoints" / name for run in (tracked, trained)))
             for name in ("best.ckpt", "last.ckpt")]  # fmt: skip
    assert [each["identical"] for each in found] == [True, True]


def test_the_best_checkpoint_is_an_artifact_on_request(tracked: Path, records: Any) -> None:
    models = [each for each in records["artifact"] if each["type"] == "model"]
    [entry] = models[0]["manifest"]["contents"]
    assert (len(models), entry["path"]) == (1, "best.ckpt")
    assert Path(entry["local_path"]) == tracked / "checkpoints" / "best.ckpt"  # no copy
    assert "best" in models[0]["aliases"]


def test_tensorboard_has_metrics_baselines_and_samples(board: Any, results: dict[str, Any]) -> None:
    known = {"train/loss", "train/lr", "train/grad_norm", "val/loss", "val/accuracy", "time/epoch_seconds"}
    assert known <= set(board.Tags()["scalars"])
    [best] = [each for each in results["baselines"] if each["chosen"]]
    line = board.Scalars(f"baselines/loss/{best['name']}")
    assert [point.value for point in line] == pytest.approx([best["nats"]] * 2)
    assert len(board.Scalars("test/loss")) == 1
    for stage in ("before", "epochs", "after"):
        assert f"samples/{stage}/sample-1.wav" in board.Tags()["audio"]
        assert {f"samples/{stage}/sample-1{end}" for end in (".png", ".score.png")} <= set(
            board.Tags()["images"]
        )
        [table] = board.Tensors(f"samples/{stage}/table/text_summary")
        assert b"| nats per token |" in table.tensor_proto.string_val[0]


def test_tensorboard_compares_hyperparameters(board: Any, results: dict[str, Any]) -> None:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    content = board.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    settings = HParamsPluginData.FromString(content).session_start_info.hparams
    assert settings["model.hidden_dim"].number_value == 8
    assert len(settings["signature"].string_value) == 64
    assert board.Scalars("best/val_loss")[0].value == pytest.approx(results["validation"]["nats"])


def test_without_an_account_the_advice_that_is_given_works(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setattr(wandb_account, "_unreachable", lambda server: "")
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

    monkeypatch.setattr(wandb_account, "_unreachable", lambda server: "")
    monkeypatch.setattr(wandb, "login", refused)
    said = etude(*QUICK, "logger.wandb.mode=online")
    assert (said.code, "the key is not valid; type wandb login again" in said.err) == (2, True)


@pytest.mark.parametrize("logger", ["wandb", "own"])
def test_a_logger_that_cannot_be_made_does_not_fail_the_run(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logger: str
) -> None:
    def refused(*args: Any, **kwargs: Any) -> Any:
        raise wandb.errors.CommError("the project is locked") if logger == "wandb" else EtudeError("no room")

    monkeypatch.setattr(*((wandb, "init") if logger == "wandb" else (trackers, "build_node")), refused)
    said = etude(*QUICK, "+logger.lines._target_=pytorch_lightning.loggers.CSVLogger")
    assert said.code == 2
    assert ("the project is locked" if logger == "wandb" else "no room") in said.err
    [run] = tmp_path.glob("outputs/*/*")
    assert not (run / "status.json").exists()


def test_a_multirun_is_one_run_for_each_training_and_a_table(etude: Etude, tmp_path: Path) -> None:
    axes = ("model.hidden_dim", "data.sequence_len")
    values = [f"{axes[0]}=4,8", f"{axes[1]}=16,32", "model.dropout=0.0"]
    said = etude(*QUICK, "-m", "--zip", ",".join(axes), *values)
    assert said.code == 0, said.err
    runs = list(offline(tmp_path / "outputs"))
    tried = {(run.config["model"]["hidden_dim"], run.config["data"]["sequence_len"]) for run in runs}
    assert [run.state for run in runs] == ["finished"] * 2
    assert tried == {(4, 16), (8, 32)}
    assert len({file.name for file in tmp_path.glob("outputs/**/run-*.wandb")}) == 2
    table = said.out.split("jobs")[-1]
    assert "hidden_dim" in table
    assert "sequence_len" in table
    assert len(list(tmp_path.glob("outputs/erk_lstm_copy/*/results.json"))) == 2
    for folder in tmp_path.glob("outputs/erk_lstm_copy/*"):
        assert folder.name in table

    # seen as a whole, it is the same from the folders and from what W&B wrote of the group
    [sweep] = tmp_path.glob("outputs/sweeps/*")
    assert etude("sweep-report", str(sweep)).code == 0
    assert etude("sweep-report", "--wandb", sweep.name).code == 0
    figures = ("validation_nats", "best_epoch", "test_nats", "test_accuracy")
    tables = [
        {
            tuple(row[key] for key in axes): [float(row[key]) for key in figures]
            for row in csv.DictReader(file.open())
        }
        for file in (sweep / "table.csv", tmp_path / f"outputs/wandb-{sweep.name}" / "table.csv")
    ]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 2


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
    assert len(list(tmp_path.glob("outputs/erk_lstm_copy/*/metrics.csv"))) == 2
