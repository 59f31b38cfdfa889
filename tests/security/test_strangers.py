"""A stranger's run, checkpoint or job is data: it is neither executed, resolved, fetched nor sent."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from etude import cli
from etude.commands.job import TARGETS, checked, run_job
from etude.config import plugins
from etude.config.compose import compose, plain
from etude.config.resolved import ResolvedConfig
from etude.config.stored import check_stored
from etude.config.today import data_today, for_today
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.checkpoint import load_model, metadata
from etude.runs.comparison import weights_difference
from etude.sampling.context import TrainingContext
from etude.stored_files import StoredFileError, read_yaml
from etude.sweeps.sweep_folder import JobFolder
from networks import module_from
from run_folders import made_up


def corpus_of(config: dict[str, Any]) -> Any:
    encoding: Any = None
    return TrainingContext.of(encoding, Vocabulary.of(["60"]), config["data"]).corpus


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return plain(compose("train", ["model.hidden_dim=4", "model.embedding_dim=4"]))


def test_a_published_file_comes_from_where_conf_says_by_its_name(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETUDE_DATA_MIRROR", "")
    monkeypatch.setenv("ETUDE_DATA_DIR", "today")
    theirs = {**config["data"]["published"], "url": "http://evil.example", "sha256": "0" * 64}
    data = {**config["data"], "published": theirs, "mirror": "http://evil.example", "data_dir": "/etc"}
    for found in (data_today(data), for_today({**config, "data": data}, config)["data"]):
        assert found["published"] == config["data"]["published"]
        assert found["mirror"] is None
        assert found["data_dir"] == "today"


@pytest.mark.parametrize("name", ["../../../.profile", "/etc/passwd", ".profile", "-rf", "unknown.zip"])
def test_a_published_file_with_another_name_is_refused(config: dict[str, Any], name: str) -> None:
    published = {**config["data"]["published"], "name": name}
    with pytest.raises(EtudeError):
        corpus_of({**config, "data": {**config["data"], "source": "kern", "published": published}})


@pytest.mark.parametrize("name", ["..", "../x", "/tmp/x"])
def test_a_store_stays_in_the_data_folder(config: dict[str, Any], name: str) -> None:
    with pytest.raises(EtudeError, match=r"data\.name"):
        corpus_of({**config, "data": {**config["data"], "name": name}})


def test_loggers_and_devices_of_a_stored_run_are_todays(config: dict[str, Any]) -> None:
    wandb = {**config["logger"]["wandb"], "mode": "online", "entity": "evil", "project": "theirs"}
    trainer = {**config["trainer"], "accelerator": "gpu", "devices": 1000}
    logger = {**config["logger"], "wandb": wandb}
    assert for_today({**config, "logger": logger, "trainer": trainer}, config) == config
    without = {**config["logger"], "wandb": None}
    assert for_today({**config, "logger": without}, config)["logger"] == without


def test_own_loggers_of_a_stored_run_are_left_out_unless_their_package_is_enabled(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "_typed", {})
    node = {"_target_": "lab.Sender", "address": "http://evil.example"}
    csv = {"_target_": "pytorch_lightning.loggers.CSVLogger", "save_dir": "/etc"}
    stored = {**config, "logger": {**config["logger"], "own": node, "csv": csv}}
    assert for_today(stored, config)["logger"] == config["logger"]
    monkeypatch.setenv("ETUDE_PLUGINS", "lab")
    assert for_today(stored, config)["logger"] == {**config["logger"], "own": node}


def test_callbacks_of_a_stored_run_write_to_its_folder(config: dict[str, Any]) -> None:
    node = {"_target_": "pytorch_lightning.callbacks.ModelCheckpoint", "dirpath": "/etc", "save_top_k": 2}
    stored = {**config, "callbacks": {**config["callbacks"], "top": node}}
    assert for_today(stored, config)["callbacks"]["top"] == {
        key: node[key] for key in ("_target_", "save_top_k")
    }
    for name in ("../../x", "/etc/x", "~/x", "http://evil.example"):
        changed = {**config["callbacks"], "top": {**node, "filename": name}}
        with pytest.raises(EtudeError, match=r"callbacks\.top\.filename=.*writes to its own folder alone"):
            for_today({**config, "callbacks": changed}, config)


@pytest.mark.parametrize("target", ["etude.files.atomic_write", "os.system", "lab.Callback", "torch.save"])
def test_a_stored_callback_is_a_class_of_lightning_or_of_an_enabled_package(
    config: dict[str, Any], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "_typed", {})
    changed = {**config["callbacks"], "x": {"_target_": target, "path": "a", "data": "b"}}
    [problem] = check_stored({**config, "callbacks": changed}, config)[2]
    assert problem.what.startswith("callbacks.x._target_=")


@pytest.mark.parametrize("value", ["${oc.env:HOME}", "a${x}", "???", ["${oc.env:HOME}"], {"a": [["${a}"]]}])
def test_a_stored_configuration_holds_no_interpolation(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps({"logger": {"wandb": {"project": value}}}))
    with pytest.raises(StoredFileError, match="not a plain value"):
        read_yaml(path)


def job_folder(folder: Path, **content: Any) -> Path:
    job = {"target": "etude.commands.train:train", "overrides": [], "config": {}, "defaults": {}} | content
    path = folder / "outputs" / "sweeps" / "x" / "jobs" / "001"
    path.mkdir(parents=True)
    (path / "job.json").write_text(json.dumps(job))
    return path


@pytest.mark.parametrize(
    "target",
    ["os:system", "builtins:eval", "etude.cli:main", "etude.commands.rm:rm", "stand_in:train", "", "a:b:c"],
)
def test_a_job_calls_a_verb_and_nothing_else(tmp_path: Path, target: str) -> None:
    with pytest.raises(EtudeError, match="a verb of Étude's"):
        run_job([str(job_folder(tmp_path, target=target, config={"x": 1}))])


def test_the_functions_of_jobs_are_those_of_the_verbs() -> None:
    assert {verb.target for verb in cli.VERBS.values() if verb.sweeps} == set(TARGETS)


def test_a_job_is_checked_like_a_stored_run(tmp_path: Path, config: dict[str, Any]) -> None:
    inside = {"outputs_dir": str(tmp_path / "outputs")}
    unknown = {**config, **inside, "command": "x", "threads": -1}
    with pytest.raises(EtudeError, match=r"(?s)command: no such key.*threads=-1"):
        run_job([str(job_folder(tmp_path / "a", config={**unknown, "outputs_dir": str(tmp_path / "a")}))])
    with pytest.raises(EtudeError, match="would go to /elsewhere"):
        run_job([str(job_folder(tmp_path / "b", config={**config, "outputs_dir": "/elsewhere"}))])
    with pytest.raises(EtudeError, match="not a plain value"):
        run_job([str(job_folder(tmp_path / "c", config={**config, "label": "${oc.env:HOME}"}))])


def test_a_stored_job_names_no_cluster(tmp_path: Path) -> None:
    theirs = {**plain(compose("prepare")), "ray": "evil.example:6379"}
    folder = job_folder(tmp_path, target="etude.commands.prepare:prepare", config=theirs)
    assert checked(JobFolder(folder).job, folder).config["ray"] is None


def saved(path: Path, built: dict[str, Any], **changes: Any) -> Path:
    vocabulary = Vocabulary.of(["60", "_"])
    module = module_from(built, vocabulary)
    stored = metadata(ResolvedConfig(built), vocabulary, "f" * 64) | changes
    torch.save({"etude": stored, "state_dict": module.state_dict()}, path)
    return path


def test_a_checkpoint_as_it_should_be_opens(tmp_path: Path, config: dict[str, Any]) -> None:
    assert load_model(saved(tmp_path / "a.ckpt", config)).config == config


@pytest.mark.parametrize("value", [None, -1, "x", [], {}, [1], {"x": None}, float("nan"), True, 10**30])
@pytest.mark.parametrize("key", ["config", "vocabulary", "format"])
def test_a_checkpoint_entry_of_another_type_is_one_sentence(
    tmp_path: Path, config: dict[str, Any], key: str, value: Any
) -> None:
    with pytest.raises(EtudeError) as refused:
        load_model(saved(tmp_path / "a.ckpt", config, **{key: value}))
    assert str(tmp_path / "a.ckpt") in str(refused.value)


@pytest.mark.parametrize("group", ["model", "data"])
@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"_target_": 1}, {"_target_": "os.system"}])
def test_a_group_of_a_checkpoints_settings_of_another_type_is_one_sentence(
    tmp_path: Path, config: dict[str, Any], group: str, value: Any
) -> None:
    changed = {**config, group: value}
    with pytest.raises(EtudeError):
        load_model(saved(tmp_path / "a.ckpt", config, config=changed))


def test_a_checkpoint_takes_no_more_memory_than_its_weights_say(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    for size in (64, 10**5, 10**9, 10**20):
        changed = {**config, "model": {**config["model"], "hidden_dim": size}}
        said = "do not fit its weights" if size <= 10**5 else None
        with pytest.raises(EtudeError, match=said):
            load_model(saved(tmp_path / "a.ckpt", config, config=changed))


@pytest.mark.parametrize(
    ("model", "key", "value"),
    [("lstm", "num_layers", 10**9), ("lstm", "num_layers", 0), ("lstm_copy", "longest_match", 10**9)],
)
def test_counts_in_a_checkpoint_take_no_more_time_than_its_weights_say(
    tmp_path: Path, model: str, key: str, value: int
) -> None:
    config = plain(compose("train", [f"model={model}"]))
    changed = {**config, "model": {**config["model"], key: value}}
    with pytest.raises(EtudeError, match=r"fit its weights|at most 64|at least 1"):
        load_model(saved(tmp_path / "a.ckpt", config, config=changed))


def shared(inner: Any, hold: Callable[[Any], Any], levels: int = 12) -> Any:
    """Return values from a small pickle: each level holds the one below it, many times."""
    for _ in range(levels):
        inner = hold(inner)
    return inner


def in_itself() -> dict[str, Any]:
    content: dict[str, Any] = {}
    content["again"] = content
    return content


BOMBS = {
    "objects": (
        shared({"x": 1}, lambda below: {str(n): below for n in range(10)}),
        "1,000,000 values",
    ),
    "lists": (shared([1], lambda below: [below] * 10), "1,000,000 values"),
    "tuples": (shared((1,), lambda below: (below,) * 10), "1,000,000 values"),
    "depth": (shared({}, lambda below: {"a": below}, 50), "more than 40 levels"),
    "in itself": (in_itself(), "more than 40 levels"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_checkpoint_that_unpacks_to_a_billion_values_is_refused(
    tmp_path: Path, config: dict[str, Any], bomb: str
) -> None:
    value, what = BOMBS[bomb]
    with pytest.raises(StoredFileError, match=what):
        load_model(saved(tmp_path / "a.ckpt", config, config={**config, "bomb": value}))


def test_a_checkpoint_that_is_compressed_is_not_unpacked(
    tmp_path: Path, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "a.ckpt", config)
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "b.ckpt", "w") as packed:
        for member in whole.infolist():
            packed.writestr(member.filename, whole.read(member), zipfile.ZIP_STORED)
        packed.writestr(f"{whole.namelist()[0].split('/')[0]}/data/99", bytes(10**7), zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(zipfile.ZipFile, "testzip", lambda self: pytest.fail("it is unpacked"))
    with pytest.raises(EtudeError, match="is damaged"):
        load_model(tmp_path / "b.ckpt")


@pytest.mark.parametrize("weights", [[1], {"network.x": 1}, {"network.x": [[]]}, None])
def test_weights_that_are_no_tensors_are_one_sentence(tmp_path: Path, weights: Any) -> None:
    good, bad = ({"state_dict": each, "etude": {}} for each in ({"network.x": torch.zeros(1)}, weights))
    torch.save(good, tmp_path / "a.ckpt")
    torch.save(bad, tmp_path / "b.ckpt")
    with pytest.raises(EtudeError, match=r"b\.ckpt is not a checkpoint .*its weights are no tensors"):
        weights_difference(tmp_path / "a.ckpt", tmp_path / "b.ckpt")


def test_a_stored_run_is_still_whole_for_today(config: dict[str, Any]) -> None:
    checked, filled, problems = check_stored(for_today(config, config), config)
    assert (checked, filled, problems) == (config, [], [])
    assert os.environ.get("ETUDE_DATA_DIR") or config["data"]["data_dir"] == "data"


def test_an_interpolation_in_a_stored_run_is_shown_as_damage(tmp_path: Path) -> None:
    run = made_up(tmp_path, nats=1.0, data__name="${oc.env:HOME}")
    assert run.state == "damaged"
