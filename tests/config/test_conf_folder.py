import re
from pathlib import Path

import pytest

import etude.config.conf_files as module
from etude.config.conf_files import Group, conf_dir, groups_of, values_in
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


def test_values_are_found_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "# about the file\ndefaults:\n  - x: y  # no setting\n\n"
        "a: 1   # beside\nb: '#1'\nc:\n  d: [1, 2]  # inside\n  e: \"\"\nf: {}\n"
    )
    written = {"a": "1", "b": "'#1'", "c.d": "[1, 2]", "c.e": '""', "f": "{}"}
    assert list(values_in(path).items()) == list(written.items())


def test_groups_are_read_without_composing(tmp_path: Path) -> None:
    files = {
        "go.yaml": "defaults: [/hydra/etude, {data: b}, {experiment: null},"
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


def test_a_comment_beside_a_value_has_at_most_twelve_words() -> None:
    long = [
        f"{path.name}:{number}"
        for path in conf_dir().rglob("*.yaml")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if (found := re.search(r"\S\s+# (.*)", line)) and len(found[1].split()) > 12
    ]
    assert long == []
