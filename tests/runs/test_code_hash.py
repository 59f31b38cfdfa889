"""What counts as the code that made a run."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

from etude.config.compose import compose, plain
from etude.runs import code_hash
from etude.runs.code_hash import meaning, training_code

SOURCE = '''
"""A module."""
def double(x):
    """Twice."""
    return 2 * x  # as it says
class Box:
    """Holds."""
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("Twice.", "Two times.", True),
        ("# as it says", "", True),
        ("2 * x", "(2 * x)", True),
        ('    """Holds."""', "    pass", True),
        ("2 * x", "3 * x", False),
        ("def double", "def twice", False),
        ("return 2", 'return "" or 2', False),
    ],
)
def test_comments_and_layout_mean_nothing_and_code_does(old: str, new: str, same: bool) -> None:
    assert old in SOURCE
    assert (meaning(SOURCE) == meaning(SOURCE.replace(old, new))) == same


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package, whose files may be changed."""
    shutil.copytree(code_hash.ROOT, tmp_path / "etude", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code_hash, "ROOT", tmp_path / "etude")
    code_hash._imports.cache_clear()
    code_hash._meaning_of.cache_clear()
    return tmp_path / "etude"


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return plain(compose("train"))  # type: ignore[no-any-return]


DECIDES = [
    "commands/train.py",
    "config/build.py",
    "corpora/data_module.py",
    "corpora/erk.py",
    "corpora/shuffle.py",
    "corpora/windows.py",
    "models/checkpoint.py",
    "models/lstm.py",
    "models/module.py",
    "models/schedules.py",
    "training/resume.py",
    "training/trainer.py",
    "training/worker.py",
]


@pytest.mark.parametrize("file", DECIDES)
def test_a_change_in_a_file_that_decides_the_weights_is_seen(
    file: str, copy: Path, config: dict[str, Any]
) -> None:
    before, text = training_code(config), (copy / file).read_text()
    (copy / file).write_text(f"# a comment\n{text}\n\n\n")
    code_hash._meaning_of.cache_clear()
    assert training_code(config) == before
    (copy / file).write_text(f"{text}\nsomething = 1\n")
    code_hash._meaning_of.cache_clear()
    assert training_code(config) == before | {file: code_hash.meaning((copy / file).read_text())}


def test_a_file_that_is_new_and_imported_is_watched(copy: Path, config: dict[str, Any]) -> None:
    (copy / "training" / "tricks.py").write_text("double = 2\n")
    trainer = copy / "training" / "trainer.py"
    trainer.write_text(trainer.read_text() + "\nfrom etude.training.tricks import double\n")
    assert "training/tricks.py" in training_code(config)


def test_what_cannot_change_the_weights_is_not_watched(config: dict[str, Any]) -> None:
    rooms = {file.partition("/")[0] for file in training_code(config)}
    assert rooms == {"commands", "config", "corpora", "models", "training"}


def test_each_rule_still_names_something() -> None:
    names = [name for names in code_hash.UNWATCHED.values() for name in names if "*" not in name]
    assert [name for name in names if importlib.util.find_spec(name) is None] == []
