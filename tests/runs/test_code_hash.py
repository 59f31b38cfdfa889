"""Files that belong to the code hash of a run."""

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from etude import source_code
from etude.config import own_code
from etude.config.compose import compose, plain
from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.runs import code_hash
from etude.runs.code_hash import training_code
from etude.source_code import meaning

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
    source_code.imports_of.cache_clear()
    source_code._read.cache_clear()
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
    "encodings/grid.py",
    "models/checkpoint.py",
    "models/lstm.py",
    "models/module.py",
    "models/schedules.py",
    "training/resume.py",
    "training/trainer.py",
    "training/worker.py",
]


def test_a_change_in_each_file_that_decides_the_weights_is_seen(copy: Path, config: dict[str, Any]) -> None:
    before, texts = training_code(config), {file: (copy / file).read_text() for file in DECIDES}
    for file, text in texts.items():
        (copy / file).write_text(f"# a comment\n{text}\n\n\n")
    source_code._read.cache_clear()
    assert training_code(config) == before
    for file, text in texts.items():
        (copy / file).write_text(f"{text}\nsomething = 1\n")
    source_code._read.cache_clear()
    assert training_code(config) == before | {file: meaning((copy / file).read_text()) for file in DECIDES}
    assert all(before[file] != meaning((copy / file).read_text()) for file in DECIDES)


def test_a_file_that_is_new_and_imported_is_watched(copy: Path, config: dict[str, Any]) -> None:
    (copy / "training" / "tricks.py").write_text("double = 2\n")
    trainer = copy / "training" / "trainer.py"
    trainer.write_text(trainer.read_text() + "\nfrom etude.training.tricks import double\n")
    assert "training/tricks.py" in training_code(config)


def test_what_cannot_change_the_weights_is_not_watched(config: dict[str, Any]) -> None:
    rooms = {file.partition("/")[0] for file in training_code(config)}
    assert rooms == {"commands", "config", "corpora", "encodings", "models", "training"}


def test_each_rule_still_names_something() -> None:
    names = [name for names in code_hash.UNWATCHED.values() for name in names if "*" not in name]
    assert [name for name in names if importlib.util.find_spec(name) is None] == []


LAB = "import my_layers\nfrom etude.models.relative_attention import RelativeAttention\n\nclass Own: ...\n"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the user's own in the current folder, which imports a module beside it."""
    for name, text in (("lab/__init__.py", ""), ("lab/model.py", LAB), ("my_layers.py", "WIDTH = 3\n")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    own_code._found.cache_clear()
    return tmp_path


def own(target: str) -> dict[str, str]:
    source_code._read.cache_clear()
    source_code.imports_of.cache_clear()
    config = ResolvedConfig(
        {"model": {"_target_": target}, "callbacks": {"x": [{"_target_": "lab.model.X"}]}}
    )
    return training_code(config)


def test_every_module_of_the_users_own_counts_and_what_it_uses_of_etude(lab: Path) -> None:
    code = own("lab.model.Own")
    assert {name for name in code if not name.endswith(".py")} == {"lab", "lab.model", "my_layers"}
    assert "models/relative_attention.py" in code
    (lab / "my_layers.py").write_text("# three\nWIDTH = 3\n")
    assert own("lab.model.Own") == code, "a comment does not count"
    (lab / "my_layers.py").write_text("WIDTH = 4\n")
    after = own("lab.model.Own")
    assert {name for name in code if after[name] != code[name]} == {"my_layers"}


def test_an_installed_package_is_not_the_users_own() -> None:
    assert own_code.own_modules(["torch.optim.adam", "json", "yaml", "etude.models.lstm", "nowhere.at"]) == {}


def test_an_installed_plug_in_counts_by_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "site-packages"
    about = place / "bought_lab-1.0.dist-info"
    for path in (place / "bought_lab", about):
        path.mkdir(parents=True)
    (place / "bought_lab" / "__init__.py").write_text("class Own: ...\n")
    (about / "top_level.txt").write_text("bought_lab\n")
    monkeypatch.setattr("sys.path", [*sys.path, str(place)])
    config = ResolvedConfig(
        {"model": {"_target_": "bought_lab.Own"}, "optim": {"_target_": "torch.optim.Adam"}}
    )
    for version in ("1.0", "1.1"):
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bought-lab\nVersion: {version}\n")
        own_code._found.cache_clear()
        own_code._distributions.cache_clear()
        packages = code_hash.packages_of(config)
        assert packages.pop("bought-lab") == version
        assert tuple(packages) == code_hash.PACKAGES
        assert "bought_lab" not in training_code(config), "its source is not the user's own"
    own_code._distributions.cache_clear()


def test_a_class_of_a_notebook_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)  # a worker of xdist has none
    with pytest.raises(EtudeError, match="put it into a module"):
        own_code.own_file("__main__")
