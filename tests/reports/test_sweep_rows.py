import base64
import csv
import io
import math
import re
import warnings

import pytest
from rich.console import Console

from etude.config.jobs import Outcome
from etude.reports.sweep_figures import learning_curves, maps, svg
from etude.reports.sweep_page import parallel_coordinates, sweep_page
from etude.reports.sweep_rows import (
    SweepRow,
    axes,
    best,
    over_seeds,
    row_of,
    trainings,
    with_deviation,
)
from etude.reports.sweep_tables import as_csv, seeds_table, sweep_table


def row(loss, folder=None, **asked):
    validation = {"nats": loss, "accuracy": 0.5, "best_epoch": 2, "epochs": 3}
    test = {"nats": loss + 0.1, "bits": (loss + 0.1) / math.log(2), "accuracy": 0.25}
    name = folder or "-".join(map(str, asked.values()))
    results = {"validation": validation, "test": test, "minutes": 1.5, "folder": f"outputs/{name}"}
    return SweepRow(asked, results, metrics={"val/loss": [(0, loss + 0.2), (1, loss), (2, loss + 0.1)]})


ROWS = [row(1.0, size=1, lr=0.1, seed=0), row(1.2, size=1, lr=0.1, seed=1),
        row(2.0, size=2, lr=0.1, seed=0), row(2.0, size=2, lr=0.1, seed=1),
        row(0.9, size=1, lr=0.01, seed=0)]  # fmt: skip
PRUNED = SweepRow({"size": 8, "lr": 1, "seed": 0}, {"folder": "outputs/early", "state": "pruned"})
FAILED = SweepRow({"size": 9, "lr": 0.1, "seed": 0}, error="no <memory> left")


def text(table):
    console = Console(width=120, file=io.StringIO(), color_system=None)
    console.print(table)
    return console.file.getvalue()


def test_the_caption_of_the_table_says_why_jobs_failed_and_which():
    jobs = [
        row(1.0, "a", seed=0, lr=1),
        SweepRow({"seed": 1, "lr": 1}, error="one is [unlucky]"),
        SweepRow({"seed": 2, "lr": 1}, {"folder": "outputs/c"}, error="two is worse"),
    ]
    lines = [line.strip() for line in text(sweep_table(jobs)).splitlines()]
    assert "seed=1 failed: one is [unlucky]" in lines  # it has no folder: what sets it apart names it
    assert "c failed: two is worse" in lines
    assert not any("seed=0 failed" in line for line in lines)


def test_an_outcome_becomes_a_row():
    found = row_of(Outcome(("model.size=3", "+new=x", "text=a=b"), {"validation": {"nats": 1.0}}))
    assert found.settings == {"model.size": "3", "new": "x", "text": "a=b"}
    assert found.loss == 1.0
    assert row_of(Outcome(("a=1",), error="no")) == SweepRow({"a": "1"}, error="no")


def test_axes_are_what_differs_and_the_best_is_by_validation():
    assert axes(ROWS) == ["size", "lr", "seed"]
    assert axes(ROWS[:2]) == ["seed"]
    assert axes([row(1.0, bias=1), row(1.0, bias=True)]) == ["bias"]  # equal to Python alone
    assert best([*ROWS, FAILED]) is ROWS[4]
    assert best([FAILED]) is None
    assert best([row(math.nan, size=1), ROWS[0]]) is ROWS[0]


def test_jobs_of_one_training_count_once():
    pair = [row(1.0, "same", temperature=0.6), row(1.0, "same", temperature=1.0)]
    assert len(trainings([*pair, FAILED])) == 1


def test_seeds_give_a_mean_and_the_deviation_of_a_sample():
    keys, figures = over_seeds(ROWS)
    assert keys == ["size", "lr"]
    first, second, single = figures
    assert first.settings == ("1", "0.1")
    assert first.validation == pytest.approx((1.1, math.sqrt(0.02)))
    assert first.test == pytest.approx((1.2, math.sqrt(0.02)))
    assert second.validation == (2.0, 0.0)
    assert single.runs == 1
    assert (with_deviation(first.validation), with_deviation(second.validation)) == (
        "1.100 ± 0.141",
        "2.000 ± 0.000",
    )
    assert with_deviation(single.validation) == "0.900"
    assert "1.100 ± 0.141" in text(seeds_table(keys, figures))
    assert over_seeds([ROWS[0], ROWS[2]])[1] == []  # one seed alone


def test_the_csv_has_a_line_for_each_job():
    lines = list(csv.DictReader(io.StringIO(as_csv([*ROWS, FAILED, PRUNED]))))
    assert [line["state"] for line in lines] == ["done"] * 5 + ["failed", "pruned"]
    assert (lines[0]["size"], lines[0]["validation_nats"], lines[0]["error"]) == ("1", "1.0", "")
    assert (lines[5]["size"], lines[5]["validation_nats"], lines[5]["error"]) == ("9", "", "no <memory> left")


def test_a_heat_map_shows_the_mean_of_each_pair():
    [figure] = maps(ROWS)
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert shown == ["0.900", "–", "1.100", "2.000"]  # lr 0.01 above lr 0.1, size 1 before size 2
    assert maps(ROWS[:2]) == []


def test_a_search_has_a_point_for_each_run_where_a_grid_has_cells():
    rates = [3.4e-5, 2e-4, 0.0021, 0.03, 0.07]
    [figure] = maps([row(1 + place, size=size, lr=rate) for place, (size, rate) in enumerate(
        zip([4, 8, 4, 8, 8], rates, strict=True))])  # fmt: skip
    plot = figure.axes[0]
    assert (plot.get_xscale(), plot.get_yscale()) == ("linear", "log")  # two sizes are no scale
    assert [list(point) for point in plot.collections[0].get_offsets()] == [
        [size, rate] for size, rate in zip([0, 1, 0, 1, 1], rates, strict=True)
    ]


def test_pruned_trials_are_grey_and_nothing_warns():
    early = SweepRow(PRUNED.settings, PRUNED.results, metrics={"val/loss": [(0, 3.0), (1, 2.9)]})
    lines = learning_curves([*ROWS, early]).axes[0].lines
    assert [line.get_color() for line in lines].count("#aaaaaa") == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "1 trainings with results" in sweep_page(ROWS[:1], "one", "")
        # and two that are set apart by more than a legend has room for
        svg(learning_curves([row(n, **{f"key{place}": n for place in range(20)}) for n in (1, 2)]))


def test_parallel_coordinates_have_a_line_a_run_and_learning_curves_too():
    found = parallel_coordinates([FAILED, *ROWS], ROWS)
    assert [each["name"] for each in found["axes"]] == ["size", "lr", "seed", "validation nats"]
    assert [line["run"] for line in found["lines"]] == [3, 4, 2, 1, 5]  # the worst first, places in all rows
    assert [line["rank"] for line in found["lines"]] == [0, 0.25, 0.5, 0.75, 1]
    assert found["lines"][-1]["heights"][-1] == 0  # the lowest loss
    assert abs(found["lines"][-1]["heights"][0]) < 0.1  # size 1 of 1 and 2
    assert parallel_coordinates(ROWS[:1], ROWS[:1]) is None
    assert len(learning_curves(ROWS).axes[0].lines) == 5
    assert list(learning_curves(ROWS).axes[0].lines[0].get_xdata()) == [1, 2, 3]
    assert learning_curves([SweepRow({}, ROWS[0].results)]) is None


def test_the_page_holds_everything_and_is_the_same_each_time():
    page = sweep_page([*ROWS, FAILED, PRUNED], "a & b", "etude train -m size=1,2")
    assert page == sweep_page([*ROWS, FAILED, PRUNED], "a & b", "etude train -m size=1,2")
    assert "a &amp; b" in page
    assert "no &lt;memory&gt; left" in page
    assert "7 jobs, 1 failed, 1 pruned, 5 trainings with results" in page
    assert "outputs/early" in page
    assert "1.100 ± 0.141" in page
    pictures = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert len(pictures) == 2
    assert all(b"<svg" in base64.b64decode(picture) for picture in pictures)
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []  # nothing from elsewhere


def test_a_page_without_results_says_so():
    page = sweep_page([FAILED], "none", "")
    assert "0 trainings with results" in page
    assert svg(learning_curves(ROWS)).startswith(b"<?xml")


def test_no_text_of_a_run_is_markup_on_the_page():
    evil = '<img src=x onerror="alert(1)">\'"&'
    rows = [
        row(1.0, f"{evil}a", **{evil: evil}),
        row(2.0, f"{evil}b", **{evil: 2}),
        SweepRow({evil: 3}, {"folder": evil, "state": evil}),
        SweepRow({evil: 4}, error=evil),
    ]
    page = sweep_page(rows, evil, evil)
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x onerror=&#34;alert(1)&#34;&gt;") >= 8
    assert '<meta name="viewport"' in page
