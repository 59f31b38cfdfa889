"""The tables of `etude compare`: runs beside each other and beside held-out pieces, within 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from rich.table import Column, Table
from rich.text import Text

from etude.evaluation.closeness import (
    DIGITS,
    ENDINGS_AND_FORM,
    FeatureCloseness,
    closeness,
    closer,
    known_value,
)
from etude.reports.cells import BEST, numbers, plain_table
from etude.reports.evaluation_tables import metrics_table, with_interval

LONGEST = 13  # characters of a name in a heading
ACROSS = 3  # runs in a table of features that has 80 columns
HUGE = 1e5  # a mean from there on is shown with few digits


class ComparedRun(NamedTuple):
    """A run: its short name in the tables, what was typed for it, and the content of its evaluation.json."""

    name: str
    word: str
    content: Mapping[str, Any]

    @property
    def words(self) -> str:
        """Corpus of the training, number of samples, and how many of them are well formed."""
        content, temperature = self.content, self.content["sampling"]["settings"].get("temperature")
        text = f"{content['model']} trained on {content['corpus']['trained_on']}, "
        text += f"{content['music']['samples']} samples"
        text += f" at temperature {temperature:g}" if isinstance(temperature, int | float) else ""
        validity = self.content.get("validity") or {}
        return text + (f", {validity['well_formed']:.0%} well formed" if "well_formed" in validity else "")


class FeatureGroup(NamedTuple):
    """Features of one kind."""

    title: str
    rows: list[FeatureCloseness]


class Comparison(NamedTuple):
    """Runs that were evaluated on the same held-out pieces, and their features."""

    runs: list[ComparedRun]
    features: list[FeatureCloseness]

    @classmethod
    def of(cls, runs: list[ComparedRun]) -> Comparison:
        """Return the comparison of these runs."""
        return cls(runs, closeness([run.content["music"] for run in runs]))

    @property
    def held_out(self) -> str:
        """The held-out pieces in words."""
        corpus = self.runs[0].content["corpus"]
        pieces = self.runs[0].content["music"]["held_out"]
        whole = "all" if corpus["set"] == "all" else f"{corpus['set']} set"
        return f"{pieces} held-out pieces of {corpus['name']} ({whole})"

    @property
    def groups(self) -> list[FeatureGroup]:
        """The features, those of endings and form apart."""
        form = [row for row in self.features if row.name in ENDINGS_AND_FORM]
        others = [row for row in self.features if row not in form]
        named = {"pitch and rhythm": others, "endings and form": form}
        return [FeatureGroup(title, rows) for title, rows in named.items() if rows]

    @property
    def mean_overlaps(self) -> FeatureCloseness | None:
        """Mean over the features of each run's overlap; None without features."""
        if not self.features:
            return None
        columns = zip(*(row.overlaps for row in self.features), strict=True)
        overlaps = [round(fmean(each), DIGITS) for each in columns]
        return FeatureCloseness("mean of overlaps", 0.0, [], overlaps)

    @property
    def verdicts(self) -> list[str]:
        """A sentence for the first run against each other one."""
        names, count = [run.name for run in self.runs], len(self.features)
        found = [(name, *closer(self.features, 0, place)) for place, name in enumerate(names) if place]
        return [
            f"{names[0]} is closer than {name} in {more} of {count} feature{'s' * (count != 1)}"
            + (f", alike in {alike}." if alike else ".")
            for name, more, alike in found
        ]


def cut(name: str, most: int) -> str:
    """Return a name cut to so many characters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def short_names(names: Sequence[str]) -> list[str]:
    """Return the names, cut to LONGEST characters; names that are then the same are numbered."""
    shown = [cut(name, LONGEST) for name in names]
    number = {name: iter(range(1, len(names) + 1)) for name in shown if shown.count(name) > 1}
    return [
        f"{cut(name, LONGEST - 2)} {next(number[each])}" if each in number else each
        for name, each in zip(names, shown, strict=True)
    ]


def comparison_tables(found: Comparison) -> Iterator[Table | Text]:
    """Yield what the terminal shows of a comparison, but for the list of its runs."""
    yield likelihood_table(found)
    yield from _feature_tables(found)
    yield copies_table(found)


def likelihood_table(found: Comparison) -> Table | Text:
    """Return the likelihood of each run: in nats per token if all have scored the same labels, else in bits
    per note if all have scored the same notes, else a sentence.
    """
    parts = [run.content["likelihood"] for run in found.runs]
    prints = {(run.content["corpus"]["fingerprint"], part["labels"], part["pieces"])
              for run, part in zip(found.runs, parts, strict=True)}  # fmt: skip
    same_notes = len({(part["notes"], part["pieces"]) for part in parts}) == 1
    title = f"likelihood: {parts[0]['pieces']} held-out pieces"
    note = "lower is better; ± half of the 95 % interval"
    if len(prints) == 1:
        keys = {"nats/token": ("nats", ".3f"), "accuracy": ("accuracy", ".1%")}
    elif same_notes and all(known_value(part["rows"][0]["bits_per_note"]) is not None for part in parts):
        keys = {"bits/note": ("bits_per_note", ".2f")}
        note += "\nThe runs have other tokens, so bits per note compare them."
    else:
        return Text(
            "likelihood: not comparable, as the runs have other tokens and not all know the number of notes"
            if same_notes
            else "likelihood: not comparable, as the runs do not know the tokens of the same pieces"
        )
    table = metrics_table(title, *keys, caption=note)
    for run, part in zip(found.runs, parts, strict=True):
        row = part["rows"][0]
        table.add_row(Text(run.name), *(with_interval(row[key], form) for key, form in keys.values()))
    return table


def _feature_tables(found: Comparison) -> Iterator[Table | Text]:
    """Yield the features of so many runs at a time as have room."""
    if not found.features:
        yield Text("music: no feature has more than one value in each run and in the held-out pieces")
        return
    for first in range(0, len(found.runs), ACROSS):
        places = range(first, min(first + ACROSS, len(found.runs)))
        heads = [found.runs[place].name for place in places]
        table = plain_table(
            Column(no_wrap=True),
            *numbers("held out", *heads),
            title=f"music: mean and overlap with {found.held_out}",
        )
        for group in found.groups:
            table.add_row(Text(group.title, style="bold"))
            for row in group.rows:
                cells = [f"{mean(row.means[each])} {overlap(row, each)}" for each in places]
                table.add_row(Text(f" {row.name}"), mean(row.held_out), *cells)
            table.add_section()
        if means := found.mean_overlaps:
            table.add_row(Text(means.name), "", *(overlap(means, each) for each in places))
        yield table
    yield Text("\n".join([f"overlap of the distributions (1: alike); {BEST} the closest", *found.verdicts]))


def mean(value: float) -> str:
    """Return a mean as text."""
    return f"{value:.2f}" if abs(value) < HUGE else f"{value:.3g}"


def overlap(row: FeatureCloseness, place: int) -> str:
    """Return the overlap of a run, with a star if it is the closest."""
    star = BEST if place in row.closest else " "
    return f"{star}{row.overlaps[place]:.{DIGITS}f}"


def copies_table(found: Comparison) -> Table:
    """Return how much each run copies from its training pieces, beside held-out pieces as the yardstick."""
    parts = [run.content["novelty"] for run in found.runs]
    heads = ("pieces", f"known {parts[0]['ngram']}-note groups", "median", "longest")
    table = metrics_table("copied? notes in a row as in a training piece, in any key", *heads)
    rows = [(run.name, part["samples"]) for run, part in zip(found.runs, parts, strict=True)]
    yardsticks: list[tuple[str, Any]] = []  # one for each set of training pieces
    for run, part in zip(found.runs, parts, strict=True):
        name = f"held out against {cut(run.content['corpus']['trained_on'], LONGEST)}"
        if part["held_out"] and (name, part["held_out"]) not in yardsticks:
            yardsticks.append((name, part["held_out"]))
    for name, row in rows + yardsticks:
        shares = (f"{row['known_ngrams']:.1%}", f"{row['median_run']:g}", str(row["longest_run"]))
        table.add_row(Text(name), str(row["pieces"]), *shares)
    return table
