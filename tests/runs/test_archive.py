"""A packed run arrives whole or not at all, whatever happened to the file on the way."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.errors import EtudeError
from etude.runs import archive
from etude.runs.archive import FOLDER, LABEL, pack, unpack
from etude.runs.catalogue import Entry, find
from run_folders import made_up

NAME = "erk_lstm/default_3b01b6ec"


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    pack(made_up(folder / "outputs", NAME, nats=1.0), folder / "run.zip")
    return folder / "run.zip"


@pytest.fixture
def repacked(packed: Path, tmp_path: Path) -> Callable[..., Path]:
    """The packed run with another label or other members."""

    def make(change: Callable[[dict[str, Any], dict[str, bytes]], None], path: str = "changed.zip") -> Path:
        with zipfile.ZipFile(packed) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        label = json.loads(members.pop(LABEL))
        change(label, members)
        with zipfile.ZipFile(tmp_path / path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
            archive.writestr(LABEL, json.dumps(label))
        return tmp_path / path

    return make


def test_a_run_arrives_unchanged_without_hidden_and_wandb_files(tmp_path: Path) -> None:
    run = made_up(tmp_path / "here", NAME, nats=1.0)
    kept = tree(run.path)
    for name in (".lock", "wandb/offline-run-1/x.wandb", "samples/.half.tmp"):
        (run.path / name).parent.mkdir(parents=True, exist_ok=True)
        (run.path / name).write_text("not carried")
    (run.path / "link").symlink_to("/etc/passwd")
    assert pack(run, tmp_path / "run.zip") == len(kept)
    found, is_new = unpack(tmp_path / "run.zip", tmp_path / "there")
    assert is_new
    assert found.path == tmp_path / "there" / NAME
    assert tree(found.path) == kept
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["erk_lstm"]
    pack(run, tmp_path / "wandb.zip", wandb=True)
    found, _ = unpack(tmp_path / "wandb.zip", tmp_path / "third")
    assert tree(found.path).keys() - kept.keys() == {"wandb/offline-run-1/x.wandb"}


@pytest.mark.parametrize(
    ("here", "word", "outputs"),
    [
        (".", "outputs/erk_lstm/default_3b01b6ec", "outputs"),
        ("outputs/erk_lstm", "default_3b01b6ec", "../../outputs"),
        ("outputs/erk_lstm", "default_3b01b6ec", "outputs"),
        ("outputs/erk_lstm/default_3b01b6ec", ".", "outputs"),
        ("outputs/erk_lstm/default_3b01b6ec", ".", "."),
        ("elsewhere", "../outputs/erk_lstm/default_3b01b6ec", "outputs"),
        ("..", "{}/outputs/erk_lstm/default_3b01b6ec", "outputs"),
    ],
)
def test_a_run_arrives_where_a_training_would_look_for_it_wherever_it_was_packed_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: str, word: str, outputs: str
) -> None:
    made_up(tmp_path / "outputs", NAME)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / here)
    pack(find(Path(outputs), word.format(tmp_path.name)), tmp_path / "run.zip")
    assert unpack(tmp_path / "run.zip", tmp_path / "there")[0].path == tmp_path / "there" / NAME


def test_a_run_below_outputs_keeps_its_place_there(tmp_path: Path) -> None:
    made_up(tmp_path / "outputs", f"mine/{NAME}")
    pack(find(tmp_path / "outputs", f"mine/{NAME}"), tmp_path / "run.zip")
    assert unpack(tmp_path / "run.zip", tmp_path)[0].path == tmp_path / "mine" / NAME


def test_a_place_that_cannot_be_written_is_named(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(EtudeError, match=r"run\.zip: could not be put to .*file/erk_lstm"):
        unpack(packed, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(EtudeError, match=r"could not be packed into /proc/x\.zip"):
        pack(made_up(tmp_path / "outputs", NAME), Path("/proc/x.zip"))


def test_the_same_run_gives_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    found, _ = unpack(packed, tmp_path)
    pack(found, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}


def test_the_same_run_again_changes_nothing(packed: Path, tmp_path: Path) -> None:
    run, _ = unpack(packed, tmp_path)
    (run.path / "samples").mkdir()
    (run.path / "samples" / "later.mid").write_bytes(b"drawn meanwhile")
    before = tree(tmp_path)
    assert unpack(packed, tmp_path)[1] is False
    assert tree(tmp_path) == before


def test_another_run_is_never_overwritten(packed: Path, tmp_path: Path) -> None:
    run, _ = unpack(packed, tmp_path)
    (run.path / "metrics.csv").write_text("step\n")
    before = tree(tmp_path)
    with pytest.raises(EtudeError, match=r"other files \(metrics.csv differ\)"):
        unpack(packed, tmp_path)
    run.path.joinpath("manifest.json").write_text('{"signature": "of another"}')
    with pytest.raises(EtudeError, match="it holds another run"):
        unpack(packed, tmp_path)
    assert tree(tmp_path).keys() == before.keys()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_file_changed_on_the_way_arrives_right_or_not_at_all(
    packed: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    content = bytearray(packed.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    (folder / "run.zip").write_bytes(content)
    right = tree(find(packed.parent / "outputs", NAME).path)
    try:
        run, _ = unpack(folder / "run.zip", folder / "outputs")
    except EtudeError:
        assert tree(folder).keys() == {"run.zip"}
    else:  # a byte that says nothing, such as a date
        assert tree(run.path) == right


def test_a_wrong_content_with_a_right_checksum_is_seen(repacked: Callable[..., Path], tmp_path: Path) -> None:
    def change(label: dict[str, Any], members: dict[str, bytes]) -> None:
        content = members[f"{FOLDER}checkpoints/best.ckpt"]
        members[f"{FOLDER}checkpoints/best.ckpt"] = content[:-1] + b"!"

    with pytest.raises(EtudeError, match=r"best.ckpt is not the file that was packed \(its sha256"):
        unpack(repacked(change), tmp_path / "outputs")
    assert tree(tmp_path).keys() == {"changed.zip"}


UNSAFE = [
    "../evil",
    "/tmp/evil",
    "a/../../evil",
    "..",
    "",
    "a//b",
    "C:/evil",
    "..\\evil",
    ".hidden",
    "a/.b",
    "a\0",
]


@pytest.mark.parametrize("name", UNSAFE)
@pytest.mark.parametrize("kind", ["name", "file"])
def test_nothing_lands_outside(repacked: Callable[..., Path], tmp_path: Path, name: str, kind: str) -> None:
    def change(label: dict[str, Any], members: dict[str, bytes]) -> None:
        if kind == "name":
            label["name"] = name
        else:
            label["files"][name] = {"size": 4, "sha256": hashlib.sha256(b"evil").hexdigest()}
            members[FOLDER + name] = b"evil"

    with pytest.raises(EtudeError, match="leads elsewhere"):
        unpack(repacked(change), tmp_path / "outputs")
    assert tree(tmp_path).keys() == {"changed.zip"}


LABELS: list[Any] = [
    lambda label, members: label.update(format=2),
    lambda label, members: label.update(files={}),
    lambda label, members: label.pop("name"),
    lambda label, members: label.update(name=["a"]),
    lambda label, members: label.update(files=[1]),
    lambda label, members: label.update(signature="of another"),
    lambda label, members: label["files"]["config.yaml"].update(size=-1),
    lambda label, members: label["files"]["config.yaml"].update(size="1"),
    lambda label, members: label["files"].update({"config.yaml": None}),
    lambda label, members: members.update({FOLDER + "more": b""}),
    lambda label, members: members.pop(FOLDER + "config.yaml"),
    lambda label, members: (members.pop(FOLDER + "config.yaml"), label["files"].pop("config.yaml")),
]


@pytest.mark.parametrize("change", LABELS)
def test_a_label_that_is_not_true_is_refused(
    repacked: Callable[..., Path], tmp_path: Path, change: Any
) -> None:
    with pytest.raises(EtudeError, match=r"changed\.zip"):
        unpack(repacked(change), tmp_path / "outputs")
    assert tree(tmp_path).keys() == {"changed.zip"}


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x05\x06" + bytes(18)])
def test_content_that_is_no_packed_run_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(EtudeError, match=r"x\.zip"):
        unpack(tmp_path / "x.zip", tmp_path / "outputs")
    with pytest.raises(EtudeError, match="there is no file"):
        unpack(tmp_path / "y.zip", tmp_path / "outputs")


def test_more_than_there_is_room_for_is_refused(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda path: usage._replace(free=10))
    with pytest.raises(EtudeError, match="has room for 10"):
        unpack(packed, tmp_path)


def test_what_cannot_be_packed_is_said(tmp_path: Path) -> None:
    run = made_up(tmp_path / "outputs", NAME)
    (tmp_path / "there.zip").write_text("mine")
    with pytest.raises(EtudeError, match="not overwritten"):
        pack(run, tmp_path / "there.zip")
    with pytest.raises(EtudeError, match="no folder"):
        pack(run, tmp_path / "nowhere" / "run.zip")
    with pytest.raises(EtudeError, match="being trained"):
        pack(made_up(tmp_path / "outputs", "b_00000001", "running"), tmp_path / "b.zip")
    (run.path / "config.yaml").unlink()
    with pytest.raises(EtudeError, match=r"lacks config\.yaml"):
        pack(Entry(run.path, run.name), tmp_path / "run.zip")
    assert {path.name for path in tmp_path.iterdir()} == {"outputs", "there.zip"}
