"""The pictures of the LSTM cell can be drawn, and the hand-set cell behaves as its page says."""

import importlib.util
from pathlib import Path

import torch

SCRIPT = Path(__file__).parent.parent / "docs" / "draw_lstm_cell.py"


def test_the_pictures_are_drawn_and_the_cell_knows_whether_a_note_sounds(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("draw_lstm_cell", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    drawing.main(tmp_path)
    shipped = {path.name for path in (SCRIPT.parent / "img").glob("lstm_cell_*.svg")}
    assert {path.name for path in tmp_path.iterdir()} == shipped != set()
    kinds = [{"_": 1, "r": 2}.get(token, 0) for token in drawing.TOKENS]
    outputs, _ = drawing.cell_of_one_unit()(torch.eye(3)[kinds][None])
    sounding = True
    for token, output in zip(drawing.TOKENS, outputs.flatten().tolist(), strict=True):
        sounding = sounding if token == "_" else token != "r"
        assert (output > 0.5) == sounding
