import json
import os
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.cli import VERBS
from etude.config.compose import Checker
from etude.config.frozen import FrozenJob
from etude.config.plan import plan
from etude.config.resolved import ResolvedConfig
from etude.config.session import session
from etude.errors import EtudeError
from etude.runs.folder import RunFolder
from etude.runs.identity import folder_name
from etude.runs.status import RunState
from etude.sweeps.creation import frozen_sweep, search_sweep, trial_folder
from etude.sweeps.progress_view import States
from etude.sweeps.sweep_folder import JobFolder, Sweep
from etude.sweeps.tasks import objective


def frozen(*lines: str) -> tuple[FrozenJob, ...]:
    with session() as hydra:
        checker = Checker(hydra.config_loader, "train")
        return plan(checker, lines, "etude train", multirun=True, target=VERBS["train"].target).frozen


def trainings(jobs: tuple[FrozenJob, ...], folder: Path) -> list[list[str]]:
    found: list[list[str]] = frozen_sweep(folder, jobs, "", trains=True).ledger["trainings"]
    return found


def test_jobs_that_differ_in_sampling_alone_share_a_training(tmp_path: Path) -> None:
    jobs = frozen("model.hidden_dim=64,128,256", "data.sequence_len=32,64", "sampling.temperature=0.6,1.0")
    assert len(jobs) == 12
    assert trainings(jobs, tmp_path) == [[f"{n:03}", f"{n + 1:03}"] for n in range(1, 13, 2)]
    assert {job.config["sampling"]["temperature"] for job in jobs} == {0.6, 1.0}


@pytest.mark.parametrize(
    "line", ["seed=0,1", "name=a,b", "label=a,b", "data.max_pieces=9,10", "optim.lr=1,2"]
)
def test_what_makes_another_run_is_another_training(line: str, tmp_path: Path) -> None:
    assert len(trainings(frozen(line), tmp_path)) == 2


def test_a_frozen_job_names_its_run_folder_as_the_same_command_by_itself_would(tmp_path: Path) -> None:
    [job, _] = frozen("model.hidden_dim=64,128", "optim.lr=5e-4", "debug=limit")
    name = folder_name(job.config, job.defaults, "0123456789")
    assert name == "max_pieces-60_hidden_dim-64_lr-0.0005_max_epochs-2_01234567"
    [own] = frozen("data=midi_folder", "data.path=songs", "seed=3")
    assert "path" not in folder_name(own.config, own.defaults, "0123456789")


def test_the_same_jobs_are_the_same_sweep_however_treated(tmp_path: Path) -> None:
    def path(*lines: str) -> Path:
        return frozen_sweep(tmp_path, frozen(*lines), "etude train", trains=True).path

    first = path("seed=0,1")
    assert first == path("seed=0,1") == path("seed=range(0,2)")
    assert len({first, path("seed=1,0"), path("seed=0,2"), path("seed=0,1", "sampling.tempo=90")}) == 4
    assert first.parent == tmp_path
    assert first.name.startswith("erk_lstm_copy-")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    )
)
@settings(max_examples=40)
def test_a_frozen_job_is_read_as_it_was_written(value: object) -> None:
    job = FrozenJob("a:b", ("x=1", "y"), ResolvedConfig({"value": value}), ResolvedConfig({"other": value}))
    assert FrozenJob.from_dict(json.loads(json.dumps(job.as_dict()))) == job


def test_wandb_shows_a_sweep_as_a_group_unless_one_is_named(tmp_path: Path) -> None:
    sweep = frozen_sweep(tmp_path, frozen("seed=0,1"), "", trains=True)
    assert {job.job.config["logger"]["wandb"]["group"] for job in sweep.jobs()} == {sweep.path.name}
    sweep = frozen_sweep(tmp_path, frozen("seed=0,1", "logger.wandb.group=mine"), "", trains=True)
    assert {job.job.config["logger"]["wandb"]["group"] for job in sweep.jobs()} == {"mine"}
    assert sweep.tracked == "project etude, group mine"
    assert frozen_sweep(tmp_path, frozen("seed=0,1", "logger=csv"), "", trains=True).tracked == ""


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    folder = JobFolder(tmp_path / "001")
    folder.freeze(FrozenJob("a:b", ("seed=1",), ResolvedConfig({}), ResolvedConfig({})))
    return folder


def test_a_job_says_truly_how_it_stands(job: JobFolder) -> None:
    assert job.status["state"] == "queued"
    assert "not started" in job.outcome().error
    job.write_state(RunState.RUNNING)
    assert job.status["state"] == "running"
    child = os.fork()
    if not child:
        job.write_state(RunState.RUNNING)
        os._exit(0)
    os.waitpid(child, 0)
    assert job.status["state"] == "interrupted"
    assert "interrupted" in job.outcome().error
    job.write_state(RunState.FAILED, error="no", trace="Traceback")
    assert (job.outcome().error, job.outcome().trace) == ("no", "Traceback")
    job.write_state(RunState.DONE, result={"a": 1})
    assert (job.outcome().result, job.outcome().error) == ({"a": 1}, "")
    assert job.outcome().overrides == ("seed=1",)


def test_what_a_process_says_at_its_end_counts_only_while_the_job_is_its_own(job: JobFolder) -> None:
    job.write_state(RunState.RUNNING)
    job.update(RunState.PREEMPTED, error="told to")
    assert (job.status["state"], job.outcome().error) == ("preempted", "told to")
    child = os.fork()
    if not child:
        job.write_state(RunState.QUEUED)  # by a new sweep
        os._exit(0)
    os.waitpid(child, 0)
    job.update(RunState.PREEMPTED)
    assert job.status["state"] == "queued"


def test_a_run_of_other_code_does_not_count_as_done_unless_it_is_to_be_reused(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.write_json("status.json", {"state": "done"})
    run.finish({"nats": 1})
    run.checkpoints.mkdir()
    (run.checkpoints / "best.ckpt").touch()
    kept = {}
    for torch in (version("torch"), "1.0"):
        run.write_json("manifest.json", {"packages": {"torch": torch}})
        for choice in ("stop", "rerun", "reuse"):
            job = JobFolder(tmp_path / f"{torch}-{choice}")
            job.freeze(FrozenJob("a:b", (), ResolvedConfig({"on_mismatch": choice}), ResolvedConfig({})))
            job.write_state(RunState.DONE, result={"folder": str(run.path)})
            kept[choice, torch == "1.0"] = job.is_complete
    assert [choice for choice, changed in kept if kept[choice, changed] and changed] == ["reuse"]
    assert all(kept[choice, False] for choice in ("stop", "rerun", "reuse"))


@pytest.mark.parametrize(("typed", "kept"), [([], "wait"), (["stop"], "stop"), (["skip"], "skip")])
def test_jobs_wait_for_a_run_that_another_process_trains(tmp_path: Path, typed: list[str], kept: str) -> None:
    jobs = frozen("seed=0,1", *(f"on_running={word}" for word in typed))
    sweep = frozen_sweep(tmp_path, jobs, "", trains=True)
    assert {job.job.config["on_running"] for job in sweep.jobs()} == {kept}


def test_a_path_below_a_file_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text("{}")
    with pytest.raises(EtudeError, match=r"no job\.json"):
        _ = JobFolder(tmp_path / "job.json").job
    assert Sweep(tmp_path / "job.json").jobs() == []


def test_a_folder_without_a_job_is_named(tmp_path: Path) -> None:
    with pytest.raises(EtudeError, match=r"no job\.json; a job is outputs/sweeps"):
        _ = JobFolder(tmp_path / "nowhere").job


def test_a_search_has_a_folder_for_each_setting_it_tries(tmp_path: Path) -> None:
    line = "optim.lr=interval(1e-4,1e-2)"
    sweep = search_sweep(tmp_path, "a:train", [line], "as typed")
    more = search_sweep(tmp_path, "a:train", [line, "hydra.sweeper.n_trials=9"], "typed again")
    assert (sweep.path, sweep.command) == (more.path, "typed again")
    none = ResolvedConfig({})
    first, second = (
        FrozenJob("a:train", (f"lr={lr}",), ResolvedConfig({"lr": lr}), none) for lr in (0.1, 0.2)
    )
    folders = [trial_folder(sweep, trial).name for trial in (first, second, first)]
    assert folders[0] == folders[2] != folders[1]
    assert [found.name for found in sweep.jobs()] == folders[:2]


def test_a_search_looks_at_the_best_validation_loss() -> None:
    assert objective({"validation": {"nats": 0.7, "epochs": 9}, "test": {"nats": 0.8}}) == 0.7
    assert objective(0.5) == 0.5


def test_a_status_is_read_again_only_once_it_has_changed(
    job: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = States([job])
    assert states() == {"001": "queued"}
    job.write_state(RunState.RUNNING)
    assert states() == {"001": "running"}
    monkeypatch.setattr("etude.sweeps.sweep_folder.read_status", None)
    assert states() == {"001": "running"}
    monkeypatch.setattr("etude.runs.status.exists", lambda pid: False)
    assert states() == {"001": "interrupted"}  # without a word from its process
    monkeypatch.undo()
    job.write_state(RunState.DONE)
    assert states() == {"001": "done"}
