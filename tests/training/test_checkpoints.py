"""Checkpoints: a damaged one is noticed, and the one before it used."""

from pathlib import Path

import pytest
import torch

from etude.models.checkpoint import is_whole
from etude.runs.folder import RunFolder
from etude.training.checkpoints import LAST, PREVIOUS, WholeCheckpoints, resume_point

ROWS = {"rows": 0, "sha256": ""}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    for step, name in enumerate((PREVIOUS, LAST), start=1):
        resume = {
            "step": step,
            "epoch": 0,
            "seconds": 1.5,
            "rows": ROWS,
            "validated": False,
            "processes": [{}],
        }
        content = {"weights": torch.arange(1000.0), "resume": resume}
        WholeCheckpoints().save_checkpoint(content, run.checkpoints / name)
    run.metrics.touch()
    return run


def step(run: RunFolder) -> int | None:
    point = resume_point(run)
    return point.step if point else None


def test_a_checkpoint_that_lacks_what_a_run_needs_is_passed_over(run: RunFolder) -> None:
    begun = {"step": 3, "epoch": 0, "seconds": 1.5}
    for resume in (
        {},
        {"resume": begun},
        {"resume": {**begun, "processes": [{}]}},
        {"resume": {**begun, "rows": ROWS, "validated": False, "processes": 1}},
        {"resume": [3]},
    ):
        WholeCheckpoints().save_checkpoint({"weights": torch.arange(10.0), **resume}, run.checkpoints / LAST)
        assert step(run) == 1


def test_the_last_whole_checkpoint_is_where_a_run_goes_on(run: RunFolder) -> None:
    last = run.checkpoints / LAST
    whole = last.read_bytes()
    assert step(run) == 2
    for damaged in (b"", whole[:100], whole[: len(whole) // 2], whole[:-1]):
        last.write_bytes(damaged)
        assert not is_whole(last)
        assert step(run) == 1
    flipped = bytearray(whole)
    flipped[whole.index(torch.arange(1000.0).numpy().tobytes()) + 2000] ^= 1
    last.write_bytes(flipped)
    assert step(run) == 1
    last.unlink()
    assert step(run) == 1
    (run.checkpoints / PREVIOUS).write_bytes(whole[:100])
    assert step(run) is None


def test_no_figures_no_going_on(run: RunFolder) -> None:
    run.metrics.unlink()
    assert step(run) is None


def test_a_kill_while_writing_leaves_the_old_checkpoint(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = run.checkpoints / LAST
    before = last.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        WholeCheckpoints().save_checkpoint({"weights": torch.zeros(10)}, last)
    assert last.read_bytes() == before
    assert {path.name for path in run.checkpoints.iterdir()} == {LAST, PREVIOUS}


def test_a_zip_file_that_zipfile_cannot_read_is_no_checkpoint(run: RunFolder) -> None:
    last = run.checkpoints / LAST
    whole = last.read_bytes()
    entry = whole.index(
        b"PK\x01\x02"
    )  # the first of the directory: version, flags at 8, method at 10, name at 46
    for at, new in ((10, b"\x63\x00"), (8, b"\x00\x08" + whole[entry + 10 : entry + 46] + b"\xff\xd2")):
        last.write_bytes(whole[: entry + at] + new + whole[entry + at + len(new) :])
        assert not is_whole(last)
        assert step(run) == 1


def test_a_checkpoint_after_a_validation_needs_the_best_weights(run: RunFolder) -> None:
    resume = {"step": 9, "epoch": 1, "seconds": 1.5, "rows": ROWS, "validated": True, "processes": [{}]}
    for name in (PREVIOUS, LAST):
        WholeCheckpoints().save_checkpoint({"resume": resume}, run.checkpoints / name)
    assert step(run) is None
    WholeCheckpoints().save_checkpoint({}, run.checkpoints / "best.ckpt")
    assert step(run) == 9
