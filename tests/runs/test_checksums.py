"""Damage to a finished run is noticed before it is shown, carried, compared or sampled."""

from collections.abc import Callable
from pathlib import Path

import pytest

from etude.commands.diff import diff
from etude.commands.rerun import rerun
from etude.commands.verify import verify
from etude.errors import EtudeError
from etude.runs.archive import pack
from etude.runs.catalogue import Entry
from etude.runs.checksums import ESSENTIAL, NAME, check_whole, damage, write_checksums
from etude.runs.folder import RunFolder
from etude.runs.lookup import find_checkpoint
from run_folders import made_up

DAMAGE: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "a bit": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b" "),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "gone": lambda path: path.unlink(),
}


@pytest.fixture
def run(tmp_path: Path) -> Entry:
    """A finished run with every file that matters, its checksums kept."""
    run = made_up(tmp_path / "outputs", nats=1.0)
    (run.path / "checkpoints" / "last.ckpt").write_bytes(b"weights of the last step")
    (run.path / "samples").mkdir()
    (run.path / "samples" / "sample-1.mid").write_bytes(b"MThd")
    (run.path / "train.log").write_text("log")
    write_checksums(run.path)
    return run


def test_a_run_as_it_was_is_whole_and_goes_on_living(run: Entry, tmp_path: Path) -> None:
    (run.path / "train.log").write_text("a longer log")
    (run.path / "samples" / "sample-2.mid").write_bytes(b"drawn later")
    RunFolder(run.path).write_json("rerun.json", {})
    assert damage(run.path) == []
    assert verify(["--outputs", str(tmp_path / "outputs"), str(run.path)]) == 0
    assert pack(run, tmp_path / "run.zip") > len(ESSENTIAL)


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("name", ESSENTIAL)
def test_damage_is_noticed_before_a_run_is_used(run: Entry, tmp_path: Path, name: str, how: str) -> None:
    DAMAGE[how](run.path / name)
    assert [name in sentence for sentence in damage(run.path)] == [True]
    outputs = ["--outputs", str(tmp_path / "outputs")]
    with pytest.raises(EtudeError, match=Path(name).name):
        check_whole(run.path)
    other = made_up(tmp_path / "outputs", "erk/other_2", nats=1.0)
    for use in (
        lambda: pack(Entry(run.path, run.name), tmp_path / "run.zip"),
        lambda: diff([*outputs, str(run.path), str(other.path)]),
        lambda: rerun([*outputs, str(run.path)]),
    ):
        with pytest.raises(EtudeError):
            use()
    assert not (tmp_path / "run.zip").exists()
    if name.startswith("checkpoints/"):
        with pytest.raises(EtudeError):
            find_checkpoint(run.path, Path(name).stem)
        if how != "gone":
            with pytest.raises(EtudeError):
                find_checkpoint(run.path / name)


def test_a_damaged_sample_is_not_exported_and_one_thrown_away_may_be(run: Entry, tmp_path: Path) -> None:
    sample = run.path / "samples" / "sample-1.mid"
    sample.write_bytes(b"MThx")
    with pytest.raises(EtudeError, match=r"sample-1\.mid"):
        pack(run, tmp_path / "run.zip")
    sample.unlink()
    assert pack(run, tmp_path / "run.zip")


def test_verify_names_each_file(run: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run.path / "metrics.csv").write_text("step\n")
    (run.path / "samples" / "sample-1.mid").unlink()
    assert verify(["--outputs", str(tmp_path / "outputs"), str(run.path)]) == 1
    out = capsys.readouterr().out
    assert "metrics.csv is damaged" in out
    assert "sample-1.mid is missing" in out
    assert "5 of 7 files" in out


def test_a_run_without_checksums_says_so(tmp_path: Path) -> None:
    run = made_up(tmp_path, nats=1.0)
    assert damage(run.path) == []
    with pytest.raises(EtudeError, match=NAME):
        verify(["--outputs", str(tmp_path), str(run.path)])


def test_checksums_name_no_file_outside_the_run(run: Entry) -> None:
    files = {"../../../etc/passwd": {"size": 1, "sha256": "0" * 64}}
    RunFolder(run.path).write_json(NAME, {"files": files})
    assert "outside the run" in damage(run.path)[0]


def test_a_training_that_ends_keeps_its_checksums(tmp_path: Path) -> None:
    run = RunFolder(made_up(tmp_path, state="interrupted").path)
    with run.training():
        run.finish({"model": "lstm"})
    assert run.state == "interrupted" or (run.path / NAME).is_file()
    run.metrics.write_text("other")
    assert len(damage(run.path)) == 1
    run.clear()
    assert not (run.path / NAME).exists()
