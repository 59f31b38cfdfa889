"""Runs that an earlier version of Étude made: one sentence each, and no harm to the others."""

import json
import shutil
from pathlib import Path

import pytest

from journey import TOY, Etude

pytestmark = pytest.mark.journey


@pytest.fixture
def old(toy_run: Path) -> Path:
    """A run beside ``toy_run`` in the format of version 0.1: its manifest has no format number."""
    folder = toy_run.with_name("old_0badf00d")
    shutil.copytree(toy_run, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["format"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize(
    "words", [("sample", "run={}"), ("rerun", "{}"), ("export", "{}", "out.zip"), ("diff", "{}", "{}")]
)
def test_a_command_that_reads_an_old_run_says_what_to_do(
    words: tuple[str, ...], old: Path, etude: Etude
) -> None:
    said = etude(*(word.format(old) for word in words))
    assert said.code == 2
    assert f"{old.name} was made by an earlier version of Étude: train it again" in said.err
    assert "Traceback" not in said.err


def test_an_old_run_is_listed_as_such_and_others_as_ever(old: Path, toy_run: Path, etude: Etude) -> None:
    said = etude("runs")
    [row] = [line for line in said.out.splitlines() if old.name in line]
    assert row.split()[0] == "outdated"
    [row] = [line for line in said.out.splitlines() if toy_run.name in line]
    assert row.split()[0] == "done"


def test_an_old_run_is_kept_by_gc_and_removed_when_named(old: Path, etude: Etude) -> None:
    assert etude("gc", "--days", "0", "--go").code == 0
    assert old.is_dir()
    assert etude("rm", str(old), "--yes").code == 0
    assert not old.exists()


def test_the_same_training_begins_in_a_folder_of_its_own(old: Path, toy_run: Path, etude: Etude) -> None:
    shutil.rmtree(toy_run)
    before = (old / "checkpoints" / "last.ckpt").read_bytes()
    said = etude("train", *TOY)
    assert said.code == 0
    assert "resuming" not in said.out
    assert (old / "checkpoints" / "last.ckpt").read_bytes() == before
