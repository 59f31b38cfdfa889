"""Progress of a run, read from its files while another process writes them."""

import os
from pathlib import Path

import pytest

from etude.runs import progress as progress_module
from etude.runs.folder import RunFolder
from etude.runs.progress import RunProgress, clock
from etude.runs.status import RunState, write_status
from run_folders import made_up


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(made_up(tmp_path, state="running", trainer={"max_epochs": 3}).path)
    write_status(run.path, RunState.RUNNING, steps=30)
    run.metrics.write_text("step,epoch,train/loss_step\n4,0,1.5\n")
    return run


def test_each_look_has_the_new_figures(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now)
    following = RunProgress(run)
    first, ended = following.look()
    assert (first.state, first.epoch, first.epochs, first.step, first.steps) == ("running", 1, 3, 5, 30)
    assert first.metrics == {"loss": 1.5}
    assert first.speed is first.seconds_left is None
    assert not ended

    now = 102.0
    with run.metrics.open("a") as file:
        file.write("8,0,1.25\n9,0,")  # the second row is not whole yet
    second, _ = following.look()
    assert (second.step, second.metrics, second.speed) == (9, {"loss": 1.25}, 2.0)
    assert second.seconds_left == 10.5
    assert second.line == "epoch 1/3  step 9/30  left 0:00:10  loss 1.250  2.0 steps/s"


def test_a_file_that_is_written_anew_repeats_no_epoch(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: 100.0)
    following = RunProgress(run)
    following.look()
    text = "step,epoch,train/loss_step,val/loss\n4,0,1.5,\n9,0,,1.75\n"
    (run.path / "new").write_text(text)
    (run.path / "new").replace(run.metrics)  # as a new column does
    progress, ended = following.look()
    assert progress.metrics == {"loss": 1.5, "val": 1.75}
    assert ended == ["epoch 1/3  step 10/30  loss 1.500  val 1.750"]
    (run.path / "new").write_text(text.replace("val/loss", "val/loss,test/loss") + "10,1,,,2.0\n")
    (run.path / "new").replace(run.metrics)
    assert following.look()[1] == []


def test_samples_are_reported_once_they_are_complete(run: RunFolder) -> None:
    following = RunProgress(run)
    folder = run.samples / "before"
    folder.mkdir(parents=True)
    (folder / "sample-1.mid").touch()
    assert following.new_samples() == []
    (folder / "samples.json").touch()
    assert following.new_samples() == [folder]
    assert following.new_samples() == []
    for age, name in enumerate(("old", "new", "middle")):
        (run.samples / name).mkdir()
        (run.samples / name / "samples.json").touch()
        os.utime(run.samples / name / "samples.json", (age, age))
    assert [path.name for path in following.new_samples()] == ["old", "new", "middle"]


def test_a_run_without_files_has_no_progress_and_damaged_cells_do_no_harm(tmp_path: Path) -> None:
    empty = RunProgress(RunFolder(tmp_path / "none")).look()[0]
    assert (empty.state, empty.step, empty.steps, empty.metrics) == ("new", 0, None, {})
    run = RunFolder(made_up(tmp_path, state="running").path)
    run.metrics.write_bytes(b"step,epoch,train/loss_step\n1,0,\xff\n2,0,0.5,7\nx,y\n")
    assert RunProgress(run).look()[0].metrics == {"loss": 0.5}


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "-5", "1e300", "9" * 5000])
@pytest.mark.parametrize("column", ["step", "epoch"])
def test_a_step_or_an_epoch_that_is_none_is_left_out(tmp_path: Path, column: str, cell: str) -> None:
    run = RunFolder(made_up(tmp_path, state="running").path)
    row = {"step": "3", "epoch": "0", "val/loss": "0.5", column: cell}
    run.metrics.write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    progress, _ = RunProgress(run).look()
    assert (progress.step, progress.epoch) == (0 if column == "step" else 4, 1)
    assert progress.metrics == {"val": 0.5}


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (59.6, "0:01:00"), (36_061, "10:01:01")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_a_row_that_gets_its_validation_later_ends_its_epoch(run: RunFolder) -> None:
    following = RunProgress(run)
    following.look()
    run.metrics.write_text("step,epoch,train/loss_step,val/loss\n4,0,1.5,1.75\n")  # the same inode
    progress, ended = following.look()
    assert progress.metrics["val"] == 1.75
    assert len(ended) == 1


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = RunProgress(run)
    opened = Path.open

    def replaced(self: Path, *mode: str, **others: str) -> object:
        file = opened(self, *mode, **others)
        if self == run.metrics:
            (run.path / "new").write_text("step,epoch,train/loss_step,val/loss\n4,0,1.5,1.75\n9,1,1.25,1.5\n")
            (run.path / "new").replace(run.metrics)
        return file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", replaced)
        assert following.look()[1] == []
    assert [line.split()[1] for line in following.look()[1]] == ["1/3", "2/3"]
