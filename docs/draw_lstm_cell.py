"""Draw the pictures of docs/recipes/lstm_cell.md: ``python docs/draw_lstm_cell.py``."""

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes

from etude.models.lstm_cell import LSTMCell

HERE = Path(__file__).parent / "img"
STYLE = {"svg.hashsalt": "etude", "svg.fonttype": "none", "font.size": 9}  # the same bytes at each drawing
TOKENS = ["62", "_", "_", "r", "_", "_", "64", "_", "67", "r", "_", "_"]
PLAIN = "#dddddd"


def cell_of_one_unit() -> LSTMCell:
    """A cell whose weights are set by hand: it remembers whether a note sounds.

    Its inputs are (onset, hold, rest). An onset opens the input gate, a rest shuts the forget gate, a hold
    changes nothing; the output gate shows the memory at all times.
    """
    cell = LSTMCell(3, 1)
    weights = {  # h_{t−1}, then onset, hold, rest; and the bias
        cell.forget: ([0, 0, 8, -8], 0),
        cell.input: ([0, 8, -8, -8], 0),
        cell.candidate: ([0, 4, 0, 0], 0),
        cell.output: ([0, 0, 0, 0], 4),
    }
    with torch.no_grad():
        for gate, (row, bias) in weights.items():
            gate.weight.copy_(torch.tensor([row], dtype=torch.float))
            gate.bias.fill_(bias)
    return cell


@torch.no_grad()
def draw_over_time(path: Path) -> None:
    """Draw each quantity of the hand-set cell over the tokens; and the output of the article's code."""
    cell = cell_of_one_unit()
    kinds = [{"_": 1, "r": 2}.get(token, 0) for token in TOKENS]
    inputs = torch.eye(3)[kinds]  # (T, 3)
    h = memory = torch.zeros(1, 1)
    rows: dict[str, list[float]] = {name: [] for name in ("f", "i", "C̃", "C", "o", "h", "h, old C")}
    for x in inputs:
        gates, before = cell.gates(x[None], h), memory
        h, memory = cell.step(x[None], h, memory)
        values = (gates.f, gates.i, gates.g, memory, gates.o, h)
        for name, value in zip(rows, (*values, gates.o * torch.tanh(before)), strict=True):
            rows[name].append(float(value))
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    table = torch.tensor(list(rows.values()))
    axes.imshow(table, cmap="RdBu", vmin=-1.5, vmax=1.5, aspect="auto")
    axes.set_xticks(range(len(TOKENS)), TOKENS)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.xaxis.tick_top()
    for row, values in enumerate(rows.values()):
        for place, value in enumerate(values):
            axes.text(place, row, f"{value:.1f}".replace("-0.0", "0.0"), ha="center", va="center", fontsize=7)
    _save(figure, path)


def draw_gates(path: Path) -> None:
    """Draw the cell four times, each time with the part that the text is about in colour."""
    figure, grid = plt.subplots(2, 2, figsize=(7, 4.4), layout="constrained")
    parts = ("f", "i C̃", "C", "o h")
    titles = ("forget gate", "input gate and candidate", "new cell state", "output gate and output")
    for axes, part, title in zip(grid.flat, parts, titles, strict=True):
        _draw_cell(axes, set(part.split()))
        axes.set_title(title, fontsize=9)
    _save(figure, path)


def _draw_cell(axes: Axes, lit: set[str]) -> None:
    axes.set(xlim=(0, 10), ylim=(0, 6))
    axes.axis("off")

    def colour(name: str) -> str:
        return "#f4a259" if name in lit else PLAIN

    def box(x: float, y: float, text: str, name: str) -> None:
        frame = {"boxstyle": "round", "facecolor": colour(name), "edgecolor": "black"}
        axes.text(x, y, text, ha="center", va="center", bbox=frame, fontsize=8)

    def arrow(start: tuple[float, float], end: tuple[float, float]) -> None:
        axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "shrinkA": 7, "shrinkB": 7})

    axes.text(0.2, 5.4, "$C_{t-1}$", va="center")
    axes.text(0.2, 0.5, "$h_{t-1}, x_t$", va="center")
    axes.plot([1.9, 7.4], [0.5, 0.5], color="black", linewidth=1)
    for x, name in ((2.2, "f"), (3.8, "i"), (5.4, "C̃"), (7.4, "o")):
        label = {"f": "σ  $f_t$", "i": "σ  $i_t$", "C̃": "tanh  $\\tilde C_t$", "o": "σ  $o_t$"}[name]
        box(x, 1.9, label, name)
        arrow((x, 0.4), (x, 1.8))
    box(2.2, 5.4, "×", "f")
    box(4.6, 3.6, "×", "i")
    box(4.6, 5.4, "+", "C")
    box(7.4, 4.2, "tanh", "h")
    box(8.4, 3.0, "×", "h")
    axes.text(9.3, 5.4, "$C_t$", va="center")
    axes.text(9.3, 3.0, "$h_t$", va="center")
    lines = [
        ((1.1, 5.4), (2.1, 5.4)),  # the cell state: times f_t, plus what comes in, on to C_t
        ((2.2, 2.0), (2.2, 5.2)),
        ((2.4, 5.4), (4.4, 5.4)),
        ((4.8, 5.4), (9.2, 5.4)),
        ((3.8, 2.0), (4.5, 3.5)),  # i_t times the candidate
        ((5.4, 2.0), (4.7, 3.5)),
        ((4.6, 3.7), (4.6, 5.2)),
        ((7.4, 5.5), (7.4, 4.3)),  # tanh of the new cell state, times o_t
        ((7.4, 4.1), (8.3, 3.1)),
        ((7.4, 2.0), (8.3, 2.9)),
        ((8.5, 3.0), (9.2, 3.0)),
    ]
    for start, end in lines:
        arrow(start, end)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main(folder: Path = HERE) -> None:
    """Draw both pictures into ``folder``."""
    with mpl.rc_context(STYLE):
        draw_gates(folder / "lstm_cell_gates.svg")
        draw_over_time(folder / "lstm_cell_over_time.svg")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
