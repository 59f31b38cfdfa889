from pathlib import Path

import pytest

import etude.config.conf_files as module
from etude.config.conf_files import Group, Knob, conf_dir, groups_of, knobs_in
from etude.errors import EtudeError


def test_the_checkouts_folder_is_found_and_a_wheels_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (conf_dir() / "train.yaml").is_file()
    package = tmp_path / "src" / "etude"
    monkeypatch.setattr(module, "__file__", str(package / "config" / "folder.py"))
    with pytest.raises(EtudeError, match="no conf/ folder"):
        conf_dir()
    for folder in (tmp_path / "conf", package / "conf"):
        folder.mkdir(parents=True)
        (folder / "train.yaml").touch()
        assert conf_dir() == folder


def test_comments_are_found_beside_and_above(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "# about the file\ndefaults:\n  - x: y  # not a knob\n\n"
        "a: 1   # beside\n# above,\n# in two lines\nb: '#1'\nc:\n  d: [1, 2]  # inside\n  e: \"\"\n"
    )
    assert knobs_in(path) == [
        Knob("a", "1", "beside", 5),
        Knob("b", "'#1'", "above, in two lines", 8),
        Knob("c", "", "", 9),
        Knob("c.d", "[1, 2]", "inside", 10),
        Knob("c.e", '""', "", 11),
    ]


def test_groups_are_read_without_composing(tmp_path: Path) -> None:
    files = {
        "go.yaml": "defaults: [/hydra/etude, /schema/go@_here_, {data: b}, {experiment: null},"
        " {override hydra/launcher: basic}, {optional /opt@inner: q}, _self_]",
        "data/a.yaml": "x: 1",
        "data/b.yaml": "defaults: [{coding: c1}, {/top: t}, {override /opt@inner: z}]",
        "data/coding/c1.yaml": "",
        "opt/q.yaml": "",
        "top/t.yaml": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    more = tmp_path / "more"
    (more / "data").mkdir(parents=True)
    (more / "data" / "z.yaml").touch()
    assert groups_of("go", [tmp_path, more]) == [
        Group("data", ("a", "b", "z"), "b"),
        Group("data/coding", ("c1",), "c1"),
        Group("top", ("t",), "t"),
        Group("experiment", (), ""),
        Group("opt@inner", ("q",), "q"),
    ]
