"""The files around the code: hooks, hosted CI, version, changelog and documentation site."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from release_notes import release_notes

ROOT = Path(__file__).parent.parent


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_pre_commit_runs_the_gates_of_make_lint() -> None:
    (gates,) = re.findall(r"^lint: ([\w ]+)", text("Makefile"), re.MULTILINE)
    hooks = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == [f"make -s {gate}" for gate in gates.split()]


def test_hosted_ci_runs_what_a_maintainer_runs() -> None:
    steps = yaml.safe_load(text(".github/workflows/ci.yml"))["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def test_the_version_has_its_notes_and_is_written_in_one_place() -> None:
    ours = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    assert version("etude") == ours
    assert "- " in release_notes(text("CHANGELOG.md"), ours)
    assert "\nversion:" not in text("CITATION.cff")
    assert f'"{ours}"' not in "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))


def test_release_notes_end_where_the_next_version_begins() -> None:
    changelog = "## [Unreleased]\n\n- c\n\n## [1.0.0] - 2026-01-02\n\n- b\n\n## [0.9.0] - 2025-01-02\n\n- a\n"
    assert release_notes(changelog, "1.0.0") == "- b"
    with pytest.raises(SystemExit, match=r"no section '## \[1\.0\] - DATE'"):
        release_notes(changelog, "1.0")


PAGES = pytest.param(["-t", "pages"], id="pages")
ALL = pytest.param([], id="with reference", marks=pytest.mark.soak)


@pytest.mark.parametrize("words", [PAGES, ALL])
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(
    words: list[str], tmp_path: Path
) -> None:
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("reference"))
    for name in ("src", "conf"):  # targets of the links of the pages and the reference
        (tmp_path / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", *words, "docs", "site"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert bool(words) != (tmp_path / "site/reference/etude.music.html").is_file()
    for page in (tmp_path / "site").rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|link)\b[^>]*(?:src|href)="([^"]+)', page.read_text(encoding="utf-8")
        )
        assert not [address for address in loaded if "//" in address], page.name


def test_the_architecture_page_names_every_file_and_no_other() -> None:
    page = text("docs/architecture.md")
    source = ROOT / "src" / "etude"
    named = set(re.findall(r"[\w./]+", " ".join(re.findall(r"`([^`\n]+)`", page))))
    files = {path.stem for path in source.rglob("*.py") if not path.stem.startswith("__")}
    assert files - {name.rpartition("/")[2] for name in named} - {"cli", "api"} == set()
    rooms = {path.name for path in source.iterdir() if path.is_dir()}
    for name in named:
        if name.partition("/")[0] in rooms and "NAME" not in name:
            assert (source / name).exists() or (source / f"{name}.py").exists(), name


def test_the_architecture_page_names_each_file_in_the_entry_of_its_room() -> None:
    source = ROOT / "src" / "etude"
    entries = text("docs/architecture.md").split("\n\n")
    for room in sorted({path.relative_to(source).parts[0] for path in source.glob("*/**/*.py")}):
        [entry] = [each for each in entries if each.startswith(f"**{room}/**")]
        named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", entry))))
        files = {path.stem for path in (source / room).rglob("*.py")}
        assert files - named - {"__init__", "__main__", "settings"} == set(), room


def test_files_of_one_name_have_one_job() -> None:
    """The same part of each format, settings of each room; a grammar is named as its encoding."""
    stems = [path.stem for path in (ROOT / "src/etude").rglob("*.py") if path.parent.name != "grammars"]
    twice = {stem for stem in stems if stems.count(stem) > 1 and not stem.startswith("__")}
    assert twice == {"base", "reader", "settings", "signs", "tokens", "writer"}
