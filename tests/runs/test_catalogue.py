"""The runs below a folder: their list, lookup by a part of a name, and the settings that differ."""

import json
from pathlib import Path

import pytest

from etude.errors import EtudeError
from etude.runs.catalogue import entries, find, is_run, set_apart
from run_folders import made_up


def test_only_run_folders_are_listed(tmp_path: Path) -> None:
    made_up(tmp_path, "deep/er/b_00000002")
    made_up(tmp_path, "a_00000001")
    made_up(tmp_path, ".removing-x/a_00000001")
    made_up(tmp_path, "a_00000001/inside_00000003")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a_00000001")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "status.json").write_text("{half")
    assert [each.name for each in entries(tmp_path)] == ["a_00000001", "deep/er/b_00000002"]
    assert entries(tmp_path / "nowhere") == []


def test_the_jobs_of_a_sweep_are_no_runs(tmp_path: Path) -> None:
    job = made_up(tmp_path, "sweeps/of_two/jobs/001", "failed")
    (job.path / "job.json").write_text("{}")
    assert entries(tmp_path) == []
    assert not is_run(job.path)
    (tmp_path / "sweeps" / "of_two" / "ledger.json").write_text("{}")
    made_up(tmp_path, "sweeps/of_two/jobs/002", "failed")  # a job whose configuration is gone
    assert entries(tmp_path) == []


def test_a_run_with_damaged_files_has_no_metrics(tmp_path: Path) -> None:
    run = made_up(tmp_path, state="failed")
    for name in ("config.yaml", "manifest.json", "metrics.csv"):
        (run.path / name).write_text("{")
    [entry] = entries(tmp_path)
    assert entry.value("state") == "damaged"
    assert [entry.value(key) for key in ("seed", "test/nats", "commit", "minutes")] == [None] * 4


def test_a_run_is_found_by_path_name_and_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outputs = Path("outputs")
    wanted = made_up(outputs, "erk/hidden_dim-64_abcd0001")
    made_up(outputs, "erk/hidden_dim-128_abcd0002")
    made_up(outputs, "other/hidden_dim-64_ffff0003")
    for word in (
        "outputs/erk/hidden_dim-64_abcd0001",
        "outputs/erk/hidden_dim-64_abcd0001/",
        str(tmp_path / wanted.path),
        "erk/hidden_dim-64_abcd0001",
        "hidden_dim-64_abcd0001",
        "hidden_dim-64_a",
        "erk/hidden_dim-64",
        "outputs/erk/hidden_dim-6",
        "erk/abcd0001",
        "abcd0001",
    ):
        found = find(outputs, word)
        assert (found.path.resolve(), found.name) == (wanted.path.resolve(), wanted.name), word


def test_what_means_no_run_or_several_is_said(tmp_path: Path) -> None:
    made_up(tmp_path, "erk/hidden_dim-64_abcd0001")
    made_up(tmp_path, "erk/hidden_dim-128_abcd0002")
    with pytest.raises(EtudeError, match="any of 2 runs") as error:
        find(tmp_path, "abcd")
    assert "erk/hidden_dim-128_abcd0002" in str(error.value)
    with pytest.raises(EtudeError, match="did you mean hidden_dim-64_abcd0001"):
        find(tmp_path, "hiden_dim-64_abcd0001")
    with pytest.raises(EtudeError, match=r"is no run: it has no status\.json"):
        find(tmp_path, str(tmp_path / "erk"))
    (tmp_path / "erk" / "hidden_dim-128_abcd0002").rename(tmp_path / "gone")
    for word in (str(tmp_path / "erk"), "", "er"):  # a folder is not the one run that it happens to hold
        with pytest.raises(EtudeError, match="no run"):
            find(tmp_path, word)


def test_runs_are_distinguished_by_their_unusual_settings(tmp_path: Path) -> None:
    for number, (hidden, seed) in enumerate([(64, 0), (64, 0), (64, 1), (128, 0)]):
        made_up(tmp_path, f"r_{number:08}", model__hidden_dim=hidden, seed=seed, optim__lr=0.1)
    own, usual = set_apart(entries(tmp_path))
    assert own == [{}, {}, {"seed": 1}, {"model.hidden_dim": 128}]
    assert usual == {"seed": 0, "model.hidden_dim": 64}


def test_where_no_value_is_usual_each_run_shows_its_own(tmp_path: Path) -> None:
    for number, hidden in enumerate([64, 128]):
        made_up(tmp_path, f"r_{number:08}", model__hidden_dim=hidden, callbacks__progress_bar=bool(number))
    own, usual = set_apart(entries(tmp_path))
    assert own == [{"model.hidden_dim": 64}, {"model.hidden_dim": 128}]  # a progress bar sets nothing apart
    assert usual == {}


def test_days_are_those_since_the_state_changed(tmp_path: Path) -> None:
    assert round(made_up(tmp_path, days=3).days) == 3


def test_the_latest_run_is_the_one_whose_state_changed_last(tmp_path: Path) -> None:
    with pytest.raises(EtudeError, match="there is no run latest"):
        find(tmp_path, "latest")
    for name, time in {
        "a_00000001": "2026-01-02",
        "b_00000002": "2026-03-01",
        "c_00000003": "2026-02-09",
    }.items():
        run = made_up(tmp_path, name)
        status = json.loads((run.path / "status.json").read_text())
        (run.path / "status.json").write_text(json.dumps({**status, "time": f"{time}T10:00:00+00:00"}))
    assert find(tmp_path, "latest").name == "b_00000002"
