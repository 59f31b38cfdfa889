"""W&B's own files, written by our trackers and read back: a row for each training, however it ended."""

from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from etude.cli import main
from etude.config.fields import from_plain
from etude.errors import EtudeError, Preempted, Pruned
from etude.reports.sweep_rows import SweepRow
from etude.runs.folder import RunFolder
from etude.runs.identity import flatten
from etude.sweeps.wandb_rows import TrackedRun, group_rows, offline, rows_of_runs
from etude.training.checkpoints import ResumePoint
from etude.training.metrics_csv import RowsCheck
from etude.training.settings import LoggerSettings
from etude.training.tracker import FinalMetrics
from etude.training.trackers import open_trackers

RESULTS: dict[str, Any] = {
    "validation": {"nats": 1.5, "accuracy": 0.5, "best_epoch": 2, "epochs": 2},
    "test": {"nats": 1.6, "bits": 2.3, "accuracy": 0.4, "onsets": {"nats": 2.0}},
    "minutes": 0.1,
}
WANDB = {"mode": "offline", "project": "etude", "entity": None, "group": "mine", "tags": ["own"],
         "log_model": False}  # fmt: skip


def track(
    folder: Path, rate: float, losses: dict[int, float], end: BaseException | None, attempt: int = 1
) -> None:
    """Track one attempt at a training in W&B, offline."""
    config = {"optim": {"lr": rate}, "model": {"name": "lstm", "_target_": "a.B"}, "logger": {"wandb": WANDB}}
    settings = from_plain(LoggerSettings, {"wandb": WANDB, "tensorboard": False})
    run = RunFolder(folder / f"lr-{rate}")
    run.write_json("manifest.json", {"signature": f"{rate:.6f}".replace(".", "")})
    run.write_json("status.json", {"attempt": attempt - 1})
    rows: RowsCheck = {"rows": 0, "sha256": ""}
    start = ResumePoint(run.path, step=7, epoch=1, seconds=1.0, rows=rows) if attempt > 1 else None
    with suppress(Preempted, ValueError), open_trackers(settings, run, config, start) as trackers:
        for epoch, loss in losses.items():
            for each in trackers:
                each.logger.log_metrics({"val/loss": loss, "epoch": epoch}, step=epoch)
                each.logger.save()
        if end:
            raise end
        for each in trackers:
            each.finish(FinalMetrics({}, RESULTS, (), run.path, step=9, epoch=2))


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    track(folder, 0.1, {0: 1.9}, Preempted("stopped by SIGTERM"))
    track(folder, 0.1, {1: 1.5}, None, attempt=2)
    track(folder, 0.2, {0: 3.0}, Pruned("stopped by the search"))
    track(folder, 0.3, {}, ValueError("diverged"))
    track(folder, 0.4, {0: 2.0}, Preempted("stopped by SIGTERM"))
    return folder


def test_a_group_is_read_from_the_files_of_its_attempts(outputs: Path) -> None:
    first, *others = group_rows("mine", [outputs])
    results = {**RESULTS, "test": flatten(RESULTS["test"]), "folder": "lr-0.1"}
    assert first == SweepRow({"optim.lr": 0.1}, results, "", {"val/loss": [(0, 1.9), (1, 1.5)]})
    assert [(row.settings["optim.lr"], row.state, row.loss) for row in others] == [
        (0.2, "pruned", None), (0.3, "failed", None), (0.4, "preempted", None),
    ]  # fmt: skip
    tags = [run.tags for run in offline(outputs)]
    added = [["resumed"] if number == 1 else ["pruned"] if number == 2 else [] for number in range(5)]
    assert tags == [["own", "lstm", *each] for each in added]


def test_a_report_is_made_of_a_group(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep-report", "--wandb", "mine", str(outputs)]) == 0
    assert "lr=" not in capsys.readouterr().out.splitlines()[0]
    assert "4 jobs, 1 failed, 1 preempted, 1 pruned, 1 trainings with results" in Path(
        "outputs/wandb-mine/report.html"
    ).read_text().replace("</p>", "")
    for word, why in (("other", "groups there: mine"), ("a/b", "ENTITY/PROJECT/GROUP")):
        assert main(["sweep-report", "--wandb", word, str(outputs)]) == 2
        assert why in capsys.readouterr().err
    assert main(["sweep-report"]) == 2
    assert "name a folder" in capsys.readouterr().err


def test_the_server_s_runs_give_the_same_rows(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the server's object holds the content of the files."""

    def there(run: TrackedRun) -> Any:
        state = {"pruned": "finished", "preempted": "preempted"}.get(run.state, run.state)
        history = [{"epoch": epoch, "val/loss": loss} for epoch, loss in run.losses]
        return SimpleNamespace(
            name=run.name, config=run.config, summary=run.summary, state=state, tags=run.tags,
            scan_history=lambda keys: [{key: row[key] for key in keys} for row in history],
        )  # fmt: skip

    class Api:
        def runs(self, path: str, filters: dict[str, str], order: str) -> list[Any]:
            assert (path, filters, order) == ("me/etude", {"group": "mine"}, "+created_at")
            return [there(run) for run in offline(outputs)]

    monkeypatch.setattr("wandb.Api", Api)
    assert group_rows("me/etude/mine", []) == rows_of_runs(offline(outputs))


def test_without_an_account_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(EtudeError, match="W&B: No API key"):
        group_rows("me/etude/mine", [])
