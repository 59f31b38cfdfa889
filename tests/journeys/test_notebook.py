"""The notebooks of the docs run from top to bottom."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).parents[2] / "docs"


def executed(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Execute a notebook in ``folder``/docs; return its cells of code."""
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):  # a kernel writes to the user's home otherwise
        monkeypatch.setenv(variable, str(folder / variable))
    (folder / "docs").mkdir()
    notebook = nbformat.read(DOCS / name, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder / "docs")}}).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


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
    cells = executed("from_python.ipynb", tmp_path, monkeypatch)
    [compared] = printed(cells)  # the trainings print nothing
    assert [line.split()[0] for line in compared.text.splitlines()] == ["16", "32", "64"]
    assert len(list((tmp_path / "outputs" / "from_python").glob("*/results.json"))) == 3
    assert "<svg" in shown(cells[-1])


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.ipynb")), ids=lambda path: path.name)
def test_it_is_stored_without_outputs(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
