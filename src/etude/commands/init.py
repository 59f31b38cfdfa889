"""``etude init NAME``: write a small project of one's own, which trains at once."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Template

from etude.commands.arguments import Words
from etude.errors import EtudeError
from etude.terminal import say

_ABOUT = """\
Write a project of your own: a package with a model, a corpus, an experiment and a test, for Étude to take as
a plug-in. It trains at once."""

TEMPLATES = Path(__file__).resolve().parents[1] / "templates" / "project"
_MODEL, _DATA = "gru", "exercises"


def init(words: Sequence[str]) -> int:
    """Write the project; return the exit code. EtudeError for a bad name or a folder that exists."""
    parser = Words("init", _ABOUT, outputs=False)
    parser.add_argument("name", metavar="NAME", help="of the package, and of the folder that is made")
    name: str = parser.read(words).name
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii() or name != name.lower():
        raise EtudeError(f"{name}: a package is named by small letters, digits and _, as in my_lab")
    if name in sys.stdlib_module_names or name in ("etude", "tests", "conf"):
        raise EtudeError(f"{name}: another package has this name; choose another")
    folder = Path(name)
    if folder.exists():
        raise EtudeError(f"{folder} exists; it is not overwritten")
    for source in sorted(TEMPLATES.rglob("*.txt")):
        target = folder / _place(source.relative_to(TEMPLATES), name)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = Template(source.read_text(encoding="utf-8"))
        target.write_text(text.substitute(name=name, model=_MODEL, data=_DATA), encoding="utf-8")
    say(f"{folder}/ is written. Next:\n  cd {name}\n  ETUDE_PLUGINS={name} etude train experiment={name}")
    return 0


def _place(template: Path, name: str) -> Path:
    """Return the path of a file in the project for that of its template."""
    names = {"model.yaml": f"{_MODEL}.yaml", "data.yaml": f"{_DATA}.yaml", "experiment.yaml": f"{name}.yaml"}
    file = template.name.removesuffix(".txt")
    file = f"test_{name}.py" if file == "test_project.py" else names.get(file, file)
    parts = [name if part == "package" else part for part in template.parts[:-1]]
    return Path(*parts, file)
