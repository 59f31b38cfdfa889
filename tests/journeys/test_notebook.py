"""The notebook of the docs runs from top to bottom, on the run that a training left."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "first_melody.ipynb"


def shown(cell: Any) -> str:
    return "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)


def test_each_cell_runs_and_pieces_show_their_score_and_sound(
    toy_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):  # a kernel writes to the user's home otherwise
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "docs").mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path / "docs")}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    printed = [output for cell in cells for output in cell.outputs if output.output_type == "stream"]
    assert {output.name for output in printed} == {"stdout"}  # no warning
    shows = [
        cell.source.splitlines()[-1] for cell in cells if "<svg" in shown(cell) and "<audio" in shown(cell)
    ]
    assert shows == ["pieces[0].show()", "continued"]
    assert sorted(path.name for path in (toy_run / "samples").glob("frere_jacques*")) == [
        "frere_jacques.mid",
        "frere_jacques.musicxml",
    ]


def test_it_is_stored_without_outputs() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
