"""A sweep on one page: HTML with everything in it, to be opened from a file or sent by mail."""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Sequence

from matplotlib.figure import Figure

from etude.reports.sweep_figures import learning_curves, maps, parallel_coordinates, svg
from etude.reports.sweeps import SweepRow, axes, best, over_seeds, spelt, trainings
from etude.reports.tables import short

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
table { border-collapse: collapse }
td, th { padding: .2rem .7rem; text-align: left; border-bottom: 1px solid #ddd }
td.figure, th.figure { text-align: right; font-variant-numeric: tabular-nums }
tr.best { font-weight: bold } tr.failed { color: #b00020 } tr.pruned { color: #777 }
img { max-width: 100% } h2 { margin-top: 2.2rem } .wide { overflow-x: auto } code { font-size: 90% }
"""
LINES = "Each line is a run; dark is low. Runs of one value pass it side by side, the better ones below."
MAPS = "A cell is the mean over all other settings and seeds; a point is a run, a red ring the best."


def sweep_page(rows: Sequence[SweepRow], title: str, command: str) -> str:
    """Return the page; ``command`` is what made the runs ("" if it is not known)."""
    ran = trainings(rows)
    parts = [f"<h1>{html.escape(title)}</h1>"]
    if command:
        parts.append(f"<p><code>{html.escape(command)}</code></p>")
    parts.append(f"<p>{_counted(rows)}, {len(ran)} trainings with results.</p>")
    parts += _best_run(rows)
    parts += _seeds(rows)
    if ran:
        parts += _picture("Settings and loss", parallel_coordinates(ran), LINES)
        if figures := maps(ran):
            parts.append(f"<h2>Two settings at a time</h2><p>{MAPS}</p>")
            parts += [_image(figure) for figure in figures]
        early = [row for row in rows if row.state == "pruned"]
        words = "The thick line is the best run." + " Grey ones were pruned." * bool(early)
        parts += _picture("Learning curves", learning_curves([*ran, *early]), words)
    parts.append("<h2>All jobs</h2>" + _jobs_table(rows))
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _counted(rows: Sequence[SweepRow]) -> str:
    """How many jobs there are, and how many of them have no figures for which reason."""
    states = Counter(row.state for row in rows if row.state != "done")
    return ", ".join([f"{len(rows)} jobs", *(f"{count} {state}" for state, count in sorted(states.items()))])


def _best_run(rows: Sequence[SweepRow]) -> list[str]:
    winner = best(rows)
    if winner is None:
        return []
    validation, test = winner.results["validation"], winner.results["test"]
    settings = " ".join(f"{key}={winner.asked.get(key, '')}" for key in axes(rows))
    return [
        "<h2>Best run</h2>",
        f"<p><b>{validation['nats']:.3f}</b> nats per token on validation (epoch {validation['best_epoch']} "
        f"of {validation['epochs']}), {test['nats']:.3f} on test, accuracy {test['accuracy']:.1%}. "
        f"<code>{html.escape(settings)}</code><br><code>{html.escape(winner.folder)}</code></p>",
    ]


def _seeds(rows: Sequence[SweepRow]) -> list[str]:
    keys, figures = over_seeds(rows)
    if not figures:
        return []
    lowest = min(each.validation[0] for each in figures)
    lines = [
        _line(
            [*map(short, each.settings), str(each.runs)],
            [spelt(each.validation), spelt(each.test), spelt(each.accuracy, ".1%")],
            "best" if each.validation[0] == lowest else "",
        )
        for each in figures
    ]
    heads = _heads([*keys, "seeds"], ["validation nats", "test nats", "test accuracy"])
    return [f"<h2>Over seeds</h2><p>Mean ± deviation of a sample.</p><table>{heads}{''.join(lines)}</table>"]


def _jobs_table(rows: Sequence[SweepRow]) -> str:
    keys, winner = axes(rows), best(rows)
    lines = []
    for row in sorted(rows, key=lambda row: (row.loss is None, row.loss or 0)):
        texts = [short(row.asked.get(key, "")) for key in keys]
        if row.state != "done":
            why = row.error or " ".join(each for each in (row.state, row.folder) if each)
            lines.append(_line([*texts, why], [""] * 4, row.state))
            continue
        results = row.results
        figures = [f"{results['validation']['nats']:.3f}", f"{results['test']['nats']:.3f}"]
        figures += [f"{results['test']['accuracy']:.1%}", f"{results['minutes']:.1f}"]
        lines.append(_line([*texts, row.folder], figures, "best" if row is winner else ""))
    heads = _heads([*keys, "run folder"], ["validation nats", "test nats", "test accuracy", "minutes"])
    return f'<div class="wide"><table>{heads}{"".join(lines)}</table></div>'


def _heads(texts: Sequence[str], figures: Sequence[str]) -> str:
    cells = [f"<th>{html.escape(text)}</th>" for text in texts]
    return f"<tr>{''.join(cells)}{''.join(f'<th class=figure>{figure}</th>' for figure in figures)}</tr>"


def _line(texts: Sequence[str], figures: Sequence[str], kind: str) -> str:
    cells = [f"<td>{html.escape(text)}</td>" for text in texts]
    cells += [f'<td class="figure">{html.escape(figure)}</td>' for figure in figures]
    return f'<tr class="{kind}">{"".join(cells)}</tr>'


def _picture(heading: str, figure: Figure | None, words: str) -> list[str]:
    return [] if figure is None else [f"<h2>{heading}</h2><p>{words}</p>", _image(figure)]


def _image(figure: Figure) -> str:
    return f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(svg(figure)).decode()}">'
