"""A name is one component of a path, wherever a stranger may have written it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.config.fields import limits_of
from etude.corpora.preparation import Corpus
from etude.corpora.settings import FolderConfig, Source
from etude.errors import EtudeError
from etude.plain_names import name_problem, path_problem
from etude.runs import archive
from etude.runs.archive import LABEL, pack, unpack
from etude.runs.lookup import check_name
from etude.training.settings import TrainSettings
from run_folders import made_up

HOSTILE = [
    "", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "C:x", "-rf", "--go", ".profile", "~root", "a\nb",
    "a\0b",
    "a\x1b[2Jb", "a\u202eb", "a\u200bb", "x" * 121, "é" * 200, " a", "a ", "a.", "a*", "\udcff", 3,
    None, ["a"],
]  # fmt: skip
FINE = ["erk", "erk.zip", "mozart_sonatas.tar.gz", "my music", "Müller", "音楽", "a" * 120, "2"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_elsewhere_is_refused_in_the_type_itself(name: Any) -> None:
    assert name_problem(name)
    with pytest.raises(EtudeError):
        Source(name, "https://example.org", "0" * 64, 1, "", "")
    with pytest.raises(EtudeError):
        Corpus(name, list, "0", lambda data, name: None, {})  # type: ignore[arg-type, return-value]
    for kind, field in ((Source, "name"), (FolderConfig, "name"), (TrainSettings, "label")):
        limits = limits_of(kind.__dataclass_fields__[field])
        assert name is None or isinstance(name, list) or limits.complaint(name)


@pytest.mark.parametrize("name", FINE)
def test_a_plain_name_passes(name: str) -> None:
    assert not name_problem(name)
    assert Source(name, "https://example.org", "0" * 64, 1, "", "").name == name


@given(st.text())
def test_a_plain_name_stays_in_its_folder(name: str) -> None:
    if not name_problem(name):
        assert (Path("/folder") / name).parent == Path("/folder")
        assert name not in (".", "..")


@pytest.mark.parametrize(
    "name", ["sweeps", "sweeps/x", "a/../b", "/a", "a//b", "-rf", "a/-rf", "a/.hidden", ""]
)
def test_the_folder_of_a_run_stays_below_outputs(name: str) -> None:
    with pytest.raises(EtudeError, match="name="):
        check_name(name)
    check_name("group/erk_lstm")
    assert not path_problem("group/erk_lstm")


def packed_as(folder: Path, name: str, **changes: Any) -> Path:
    """A packed run whose label says another name."""
    run = made_up(folder / "here", nats=1.0)
    pack(run, folder / "run.zip")
    with (
        zipfile.ZipFile(folder / "run.zip") as source,
        zipfile.ZipFile(folder / "changed.zip", "w") as target,
    ):
        label = json.loads(source.read(LABEL)) | {"name": name} | changes
        for member in source.infolist():
            if member.filename != LABEL:
                target.writestr(member, source.read(member))
        target.writestr(LABEL, json.dumps(label))
    return folder / "changed.zip"


@pytest.mark.parametrize(
    "name", ["-rf", "a/-rf", "sweeps/mine/jobs/001", "a\x1b[2J/b", "a\u202e/b", "x" * 130]
)
def test_a_packed_run_with_a_hostile_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EtudeError):
        unpack(packed_as(tmp_path, name), tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_packed_run_does_not_land_within_another_or_a_sweep(tmp_path: Path) -> None:
    made_up(tmp_path / "there", "erk/mine_1")
    (tmp_path / "there" / "searches").mkdir()
    (tmp_path / "there" / "searches" / "ledger.json").write_text("{}")
    for name in ("erk/mine_1/samples/x_2", "searches/x_2"):
        (tmp_path / name.replace("/", "-")).mkdir()
        with pytest.raises(EtudeError, match="a run or a sweep"):
            unpack(packed_as(tmp_path / name.replace("/", "-"), name), tmp_path / "there")


@pytest.mark.parametrize(
    "changes",
    [{"files": []}, {"files": {"a": 1}}, {"files": {"a": {"size": "1"}}}, {"signature": 1}, {"corpus": []}],
)
def test_a_label_of_other_types_is_one_sentence(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(EtudeError) as refused:
        unpack(packed_as(tmp_path, "erk/a_1", **changes), tmp_path / "there")
    assert "\n" not in str(refused.value)


def test_a_file_that_unpacks_to_far_more_than_it_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "SMALL", 10_000)
    run = made_up(tmp_path / "here", nats=1.0)
    (run.path / "zeros.bin").write_bytes(bytes(2_000_000))
    pack(run, tmp_path / "run.zip")
    with pytest.raises(EtudeError, match="would unpack to"):
        unpack(tmp_path / "run.zip", tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_file_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 4)
    pack(made_up(tmp_path / "here", nats=1.0), tmp_path / "run.zip")
    with pytest.raises(EtudeError, match="at most 4"):
        unpack(tmp_path / "run.zip", tmp_path / "there")
