"""Lookup: a run is found by its whole signature, whatever else its folder's name says."""

from pathlib import Path
from typing import Any

import pytest

from etude.config.resolved import ResolvedConfig
from etude.runs.folder import RunFolder
from etude.runs.identity import FORMAT, signature
from etude.runs.lookup import find_checkpoint, find_run, named_again
from run_folders import CONFIG


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    return {**CONFIG, "outputs_dir": str(tmp_path)}


def found(config: dict[str, Any], corpus: str = "corpus") -> RunFolder:
    parent = Path(config["outputs_dir"]) / config["name"]
    return find_run(parent, ResolvedConfig(config), ResolvedConfig(CONFIG), corpus)


def kept(config: dict[str, Any], name: str, sign: str) -> RunFolder:
    run = RunFolder(Path(config["outputs_dir"]) / config["name"] / name)
    run.write_json("manifest.json", {"format": FORMAT, "signature": sign})
    return run


def test_a_run_is_found_under_a_name_of_other_days(config: dict[str, Any]) -> None:
    sign = signature(config, "corpus")
    run = kept(config, f"called-otherwise_{sign[:8]}", sign)
    assert found(config).path == run.path


def test_a_folder_that_only_begins_like_the_signature_is_another_run(config: dict[str, Any]) -> None:
    sign = signature(config, "corpus")
    other = kept(config, f"another_{sign[:8]}", sign[:8] + "0" * 56)
    assert found(config).path != other.path


def test_another_setting_or_corpus_is_another_folder(config: dict[str, Any]) -> None:
    folders = {
        found({**config, **changed}, corpus).path
        for corpus in ("corpus", "other")
        for changed in ({}, {"seed": 1})
    }
    assert len(folders) == 4


@pytest.mark.parametrize("stem", ["best", "last"])
def test_what_names_a_checkpoint_again_finds_the_same_file(config: dict[str, Any], stem: str) -> None:
    run = kept(config, "a-run", signature(config, "corpus"))
    file = run.path / "checkpoints" / f"{stem}.ckpt"
    file.parent.mkdir()
    file.touch()
    for word, which in ((run.path, stem), (file, "best")):
        checkpoint, _ = find_checkpoint(word, which)
        assert checkpoint == file
        assert named_again(word, checkpoint) == (run.path, stem)
        assert find_checkpoint(*named_again(word, checkpoint))[0] == file
