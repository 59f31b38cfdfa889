"""The notebooks of the docs run from top to bottom: one in a kernel, one in a fork, which is faster."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

from forked import begin, end

DOCS = Path(__file__).parents[2] / "docs"


def executed(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Execute a notebook in ``folder``/docs; return its cells of code."""
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):  # a kernel writes to the user's home otherwise
        monkeypatch.setenv(variable, str(folder / variable))
    (folder / "docs").mkdir()
    notebook = nbformat.read(DOCS / name, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder / "docs")}}).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def in_a_shell(name: str) -> int:
    """Execute a notebook in this process, which has imported everything; write what its last cell shows."""
    shell = InteractiveShell()
    for cell in nbformat.read(DOCS / name, as_version=4).cells:
        if cell.cell_type == "code":
            last = shell.run_cell(cell.source)
            last.raise_error()
    formats, _ = shell.display_formatter.format(last.result)
    Path("last.html").write_text(formats["text/html"])
    return 0


def printed(cells: list[Any]) -> list[Any]:
    return [output for cell in cells for output in cell.outputs if output.output_type == "stream"]


def shown(cell: Any) -> str:
    return "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)


def test_each_cell_runs_and_pieces_show_their_score_and_sound(
    toy_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = executed("first_melody.ipynb", tmp_path, monkeypatch)
    assert {output.name for output in printed(cells)} == {"stdout"}  # no warning
    shows = [
        cell.source.splitlines()[-1] for cell in cells if "<svg" in shown(cell) and "<audio" in shown(cell)
    ]
    assert shows == ["pieces[0].show()", "continued"]
    assert sorted(path.name for path in (toy_run / "samples").glob("frere_jacques*")) == [
        "frere_jacques.mid",
        "frere_jacques.musicxml",
    ]


def test_three_values_are_trained_compared_and_sampled_from_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "IPYTHONDIR"))
    child = begin(tmp_path / "docs", run=lambda line: in_a_shell("from_python.ipynb"))
    code, said = end(child), (tmp_path / "docs" / "said.txt").read_text()
    assert code == 0, said
    printed = [line.split()[0] for line in said.splitlines() if not line.startswith("Out[")]
    assert printed == ["16", "32", "64"]  # the trainings print nothing
    assert len(list((tmp_path / "outputs" / "from_python").glob("*/results.json"))) == 3
    assert "<svg" in (tmp_path / "docs" / "last.html").read_text()


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.ipynb")), ids=lambda path: path.name)
def test_it_is_stored_without_outputs(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
