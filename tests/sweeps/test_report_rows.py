import csv
import json
from pathlib import Path

import pytest
import yaml

from etude.commands.sweep_report import sweep_report
from etude.config.frozen import FrozenJob
from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.runs.status import RunState
from etude.sweeps.creation import frozen_sweep
from etude.sweeps.report_rows import rows_of
from etude.sweeps.sweep_folder import Sweep


def frozen(verb: str, seed: int) -> FrozenJob:
    return FrozenJob(f"a:{verb}", (f"seed={seed}",), ResolvedConfig({"seed": seed}), ResolvedConfig({}))


def trained(folder: Path, loss: float, **settings: object) -> dict[str, object]:
    """A run folder as a training leaves it; returns its results."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "best.ckpt").touch()
    (folder / "wandb" / "files").mkdir(parents=True)
    (folder / "wandb" / "files" / "config.yaml").write_text("a: 1\n")  # is no run
    (folder / "config.yaml").write_text(yaml.safe_dump({**settings, "sampling": {"temperature": 1.0}}))
    (folder / "metrics.csv").write_text(f"step,epoch,val/loss\n3,0,{loss}\n")
    (folder / "status.json").write_text(json.dumps({"state": "done"}))
    results = {
        "validation": {"nats": loss, "best_epoch": 1, "epochs": 1},
        "test": {"nats": loss, "bits": loss, "accuracy": 0.5},
        "minutes": 1.0,
        "folder": str(folder),
    }
    (folder / "results.json").write_text(json.dumps(results))
    return results


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    jobs = [frozen("train", seed) for seed in range(3)]
    found = frozen_sweep(tmp_path / "sweeps", jobs, "etude train -m seed=0,1,2", trains=False)
    for seed, job in enumerate(found.jobs()[:2]):
        run = tmp_path / "outputs" / f"run-{seed}"
        job.write_state(RunState.DONE, seconds=1, result=trained(run, 1.0 + seed, seed=seed))
    return found


def test_a_sweep_has_a_row_for_each_job(sweep: Sweep) -> None:
    rows = rows_of([sweep.path])
    assert [row.settings for row in rows] == [{"seed": "0"}, {"seed": "1"}, {"seed": "2"}]
    assert [row.loss for row in rows] == [1.0, 2.0, None]
    assert rows[0].metrics["val/loss"] == [(0.0, 1.0)]
    assert "not started" in rows[2].error


def test_any_runs_can_be_compared_by_what_decides_their_weights(sweep: Sweep, tmp_path: Path) -> None:
    rows = rows_of([tmp_path / "outputs"])
    assert [row.settings for row in rows] == [{"seed": 0}, {"seed": 1}]
    assert rows_of([tmp_path / "outputs" / "run-1"])[0].loss == 2.0
    (tmp_path / "outputs" / "run-1" / "status.json").write_text(json.dumps({"state": "failed"}))
    assert [row.error for row in rows_of([tmp_path / "outputs"])] == ["", "failed, no results"]
    with pytest.raises(EtudeError, match="no sweep"):
        rows_of([tmp_path / "nowhere"])


def test_the_report_of_a_sweep_is_written_into_it(
    sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep_report([str(sweep.path)]) == 0
    shown = capsys.readouterr().out
    assert "not started" in shown
    assert str(sweep.path / "report.html") in shown
    assert "etude train -m seed=0,1,2" in (sweep.path / "report.html").read_text()
    assert len(list(csv.DictReader((sweep.path / "table.csv").open()))) == 3
    assert sweep_report([str(tmp_path / "outputs"), "--out", str(tmp_path / "all")]) == 0
    assert (tmp_path / "all" / "report.html").is_file()


def test_a_sweep_of_samples_has_a_page_of_its_own(tmp_path: Path) -> None:
    jobs = [frozen("sample", seed) for seed in range(2)]
    found = frozen_sweep(tmp_path / "sweeps", jobs, "etude sample -m seed=0,1", trains=False)
    for job in found.jobs():
        job.write_state(RunState.DONE, seconds=1, result={"files": []})
    with pytest.raises(EtudeError, match="side-by-side"):
        rows_of([found.path])
