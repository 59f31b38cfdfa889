"""The tables of `etude evaluate`, each within 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Column, Table
from rich.text import Text

from etude.reports.cells import BEST, cell, numbers, plain_table

WIDTH = 80
Value = Mapping[str, float | None] | None


def evaluation_tables(content: Mapping[str, Any]) -> Iterator[Table | Text]:
    """Yield what the terminal shows of the content of evaluation.json."""
    yield _likelihood(content)
    yield from _units(content["likelihood"])
    if content.get("music"):
        yield _music(content["music"])
    if content.get("validity"):
        yield _validity(content["validity"])
    if content.get("novelty"):
        yield from _novelty(content["novelty"])


def metrics_table(title: str, *headings: str, caption: str = "") -> Table:
    """Return a table of metrics, each row with a name."""
    columns = [Column(overflow="fold"), *numbers(*headings, no_wrap=False)]
    return plain_table(*columns, title=title, caption=caption or None)


def _likelihood(content: Mapping[str, Any]) -> Table:
    """Return the model beside its baselines."""
    found, corpus = content["likelihood"], content["corpus"]
    headings = ["nats/token", "accuracy"]
    noted = found["rows"][0]["note_nats"] is not None
    headings += ["note nats", "note accuracy"] if noted else []
    table = metrics_table(
        f"likelihood: {found['pieces']} pieces of {corpus['name']} ({corpus['set']})",
        *headings,
        caption=_gain(found),
    )
    for index, row in enumerate(found["rows"]):
        cells = [with_interval(row["nats"], ".3f"), with_interval(row["accuracy"], ".1%")]
        if noted:
            cells += [with_interval(row["note_nats"], ".3f"), with_interval(row["note_accuracy"], ".1%")]
        name = f"{row['name']} {BEST}" if row["chosen"] else row["name"]
        table.add_row(Text(name), *cells, style="bold" if not index else None, end_section=not index)
    return table


def _gain(found: Mapping[str, Any]) -> str:
    text = "± half of the 95 % interval (bootstrap over pieces)"
    gain = found["gain"]
    if gain and gain["nats"]:
        value = gain["nats"]["value"]
        side = "better" if value >= 0 else "worse"
        text += f"\n{BEST} best n-gram on the validation pieces;"
        text += f" the model:\n{_interval(gain['nats'])} nats/token {side}"
    return text


def _interval(value: Mapping[str, float | None]) -> str:
    """Return the size of a value with its interval as "0.123 (0.110 to 0.140)"."""
    middle, low, high = value["value"] or 0.0, value["low"], value["high"]
    if low is None or high is None:
        return f"{abs(middle):.3f}"
    ends = sorted((low, high)) if middle >= 0 else sorted((-low, -high))
    return f"{abs(middle):.3f} ({ends[0]:.3f} to {ends[1]:.3f})"


def with_interval(value: Value, form: str) -> str:
    """Return a value with half of its interval, such as "0.59 ± 0.03"; a dash if there is none."""
    if value is None:
        return cell(None, form)
    text = cell(value["value"], form)
    if value["low"] is None or value["high"] is None:
        return text
    half = (value["high"] - value["low"]) / 2
    return f"{text} ± {half:{form}}".replace("%", "", 1) if form.endswith("%") else f"{text} ± {half:{form}}"


def _units(found: Mapping[str, Any]) -> Iterator[Text]:
    """Yield the likelihood of the model in other units, its calibration, and where it is low."""
    row = found["rows"][0]
    units = {
        "bits/token": row["bits"],
        "bits/note": row["bits_per_note"],
        "bits/second": row["bits_per_second"],
        "bits/character": row["bits_per_character"],
        "perplexity": row["perplexity"],
    }
    known = [f"{name} {with_interval(value, '.2f')}" for name, value in units.items() if value]
    for start in range(0, len(known), 3):
        yield Text("  ".join(known[start : start + 3]))
    yield Text(
        f"calibration: confidence and accuracy differ by {found['calibration']['ece']:.1%} on average (ECE)"
    )
    parts = found["by_piece_position"]
    yield Text("nats by tenths of a piece: " + " ".join(f"{part['nats']:.2f}" for part in parts))
    if bars := found["by_bar_position"]:
        beats = [each for each in bars["rows"] if each["quarters"].is_integer()]
        yield Text(
            f"nats on the quarters of a bar of {bars['metre']}: "
            + " ".join(f"{each['nats']:.2f}" for each in beats)
        )
    if found["left_out"]:
        yield Text(f"{found['left_out']} pieces have tokens that the network does not know, and are left out")


def _music(found: Mapping[str, Any]) -> Table:
    """Return the means of the samples beside held-out pieces, and how far the distributions overlap."""
    table = metrics_table(
        f"music: {found['samples']} samples beside {found['held_out']} held-out pieces",
        "samples",
        "held out",
        "overlap",
        "of training",
        caption="means; overlap of the distributions (1: alike), and the yardstick:\nthat of training pieces",
    )
    for row in found["features"]:
        table.add_row(
            row["name"],
            with_interval(row["samples"], ".2f"),
            with_interval(row["held_out"], ".2f"),
            with_interval(row["overlap"], ".2f"),
            cell((row["overlap_training"] or {}).get("value"), ".2f"),
        )
    return table


def _validity(found: Mapping[str, Any]) -> Text:
    names = {
        "well_formed": "well formed",
        "degenerate": "degenerate",
        "readable": "readable",
        "bars_filled": "bars filled",
        "unique_titles": "unique titles",
        "training_titles": "titles of training pieces",
    }
    parts = [f"{name} {found[key]:.0%}" for key, name in names.items() if key in found]
    lines = [", ".join(parts[start : start + 3]) for start in range(0, len(parts), 3)]
    return Text(f"{found['samples']} samples: " + ",\n  ".join(lines))


def _novelty(found: Mapping[str, Any]) -> Iterator[Table | Text]:
    """Yield the longest runs shared with training pieces, beside those of held-out pieces."""
    table = metrics_table(
        f"copied? longest runs of notes as in {found['training_pieces']:,} training pieces, in any key",
        "median",
        "longest",
        f"known {found['ngram']}-note groups",
    )
    for name, key in (("samples", "samples"), ("held-out pieces", "held_out")):
        if row := found[key]:
            table.add_row(
                name, f"{row['median_run']:.0f}", str(row["longest_run"]), f"{row['known_ngrams']:.1%}"
            )
    yield table
    for row in sorted(found["rows"], key=lambda each: -each["notes_shared"])[:3]:
        if row["notes_shared"]:
            title = f" ({row['title']})" if row["title"] else ""
            shared = f"{row['notes_shared']} of {row['notes']} notes"
            line = Text(f"  sample {row['sample']}: {shared} as in {row['piece']}{title}")
            line.truncate(WIDTH, overflow="ellipsis")
            yield line
