import io
import math
from dataclasses import asdict, replace

import pytest
from rich.console import Console

from etude.evaluation.baselines import Baseline
from etude.evaluation.likelihood import LabelMetrics
from etude.reports.cells import short
from etude.reports.sweep_rows import SweepRow
from etude.reports.sweep_tables import sweep_table
from etude.reports.tables import results_table


def job(asked, folder="run", error="", **metrics):
    test = {key: metrics.get(key) for key in ("nats", "accuracy")}
    validation = {"nats": metrics.get("validation")}
    results = {"folder": folder, "validation": validation, "test": test, "minutes": metrics.get("minutes")}
    return SweepRow(asked, results, error)


JOBS = [
    job(
        {"model.hidden": 128, "optim.lr": 0.001, "data": "erk"},
        "outputs/erk/lstm-128",
        validation=0.72,
        nats=0.731,
        accuracy=0.764,
        minutes=12.34,
    ),
    job(
        {"model.hidden": 256, "optim.lr": 0.001, "data": "erk"},
        "outputs/erk/lstm-256",
        validation=0.7,
        nats=0.793147,
        accuracy=0.771,
        minutes=31.0,
    ),
    job(
        {"model.hidden": 512, "data": "erk"},
        "outputs/erk/lstm-512",
        error="the loss is not finite [at step 812]",
        nats=0.1,
        minutes=2.0,
    ),
]
BASELINES = [
    Baseline("always '_'", None, 0.678, LabelMetrics(None, 0.0)),
    Baseline("4-gram", 1.1, 0.69, LabelMetrics(2.9, 0.12)),
    Baseline("5-gram", 1.08, 0.7, LabelMetrics(2.8, 0.13), chosen=True),
]


def text(table, width=100):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(table)
    return console.file.getvalue()


def rows(table, width=100):
    """Return the words of each printed line."""
    return [line.split() for line in text(table, width).splitlines() if line.strip()]


def loss(validation, **asked):
    return job(asked, validation=validation, nats=-validation)


def in_folder(row, folder):
    return replace(row, results={**row.results, "folder": folder})


def test_a_sweep_has_a_row_per_job():
    found = rows(sweep_table(JOBS, "two sizes"))
    assert found[0] == ["two", "sizes"]
    assert " ".join(found[1]) == "hidden lr val nats test nats accuracy minutes run folder"
    assert found[3:6] == [
        ["128", "0.001", "0.720", "0.731", "76.4%", "12.3", "lstm-128"],
        ["★", "256", "0.001", "0.700", "0.793", "77.1%", "31.0", "lstm-256"],
        ["✗", "512", "–", "failed", "2.0", "lstm-512"],
    ]


def test_what_the_rows_would_repeat_is_in_the_caption():
    caption = text(sweep_table(JOBS)).rstrip().splitlines()[-3:]
    assert [line.strip() for line in caption] == [
        "lstm-512 failed: the loss is not finite [at step 812]",
        "every job: data=erk",
        "run folders in: outputs/erk",
    ]


def test_a_sweep_fits_eighty_columns_and_its_folders_can_be_copied():
    names = [f"lstm-hidden{size}-3f9a2c" for size in (128, 256, 512)]
    jobs = [in_folder(row, f"outputs/erk/{name}") for row, name in zip(JOBS, names, strict=True)]
    printed = text(sweep_table(jobs), width=80)
    assert max(map(len, printed.splitlines())) <= 80
    assert [line.split()[-1] for line in printed.splitlines() if "lstm" in line][:3] == names


def test_folders_that_share_no_parent_are_shown_whole():
    jobs = [in_folder(JOBS[0], "a/one"), in_folder(JOBS[1], "b/two")]
    printed = text(sweep_table(jobs))
    assert "a/one" in printed
    assert "b/two" in printed
    assert "run folders in" not in printed


def test_a_sweep_of_one_job_repeats_nothing():
    found = rows(sweep_table(JOBS[:1]))
    assert found[2] == ["★", "0.720", "0.731", "76.4%", "12.3", "outputs/erk/lstm-128"]
    assert found[3] == ["every", "job:", "model.hidden=128", "optim.lr=0.001", "data=erk"]


def test_a_job_without_a_test_has_dashes_and_is_never_the_best():
    jobs = [job({"seed": 0}, "a/x"), job({"seed": 1}, "a/y")]
    found = rows(sweep_table(jobs))
    assert found[2:4] == [["0", "–", "–", "–", "–", "x"], ["1", "–", "–", "–", "–", "y"]]


def test_a_loss_that_is_not_a_number_is_never_the_best():
    found = rows(sweep_table([loss(math.nan, seed=0), loss(2.0, seed=1), loss(math.nan, seed=2)]))
    assert [row[0] for row in found[2:5]] == ["0", "★", "2"]


def test_one_and_true_are_different_settings():
    found = rows(sweep_table([loss(1.0, **{"model.tied": 1}), loss(2.0, **{"model.tied": True})]))
    assert found[0][0] == "tied"


def test_an_override_left_out_differs_from_one_set_to_null():
    found = rows(sweep_table([loss(1.0, **{"model.size": None}), loss(2.0)]))
    assert [row[-6] for row in found[2:4]] == ["None", "–"]


def test_brackets_are_text_not_markup():
    assert "[a,b]" in text(sweep_table([loss(1.0, voices="[a,b]"), loss(2.0, voices="[c]")]))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.031842457205596184, "0.03184"),
        ("1.2345678e-5", "1.235e-05"),
        ("-.123456789", "-0.1235"),
        ("1000000e-9", "0.001"),
        (0.001, "0.001"),
        (123456789, "123456789"),
        ("20240101_12", "20240101_12"),
        ("2024.01.02", "2024.01.02"),
        ("1_000.0000", "1_000.0000"),
        ("-infinity", "-infinity"),
    ],
)
def test_a_long_number_is_shortened_unless_it_is_whole_or_none(value, shown):
    assert short(value) == shown


def test_an_empty_sweep_is_an_empty_table():
    assert len(rows(sweep_table([]))) == 2  # the headings and the rule under them


def summary(model, score, baselines, onsets=None):
    test = {"nats": score.nats, "accuracy": score.accuracy, "onsets": onsets and asdict(onsets)}
    return results_table({"model": model, "test": test, "baselines": [asdict(each) for each in baselines]})


def test_a_summary_puts_the_model_above_its_baselines():
    found = rows(summary("lstm", LabelMetrics(0.731, 0.764), BASELINES, LabelMetrics(2.0, 0.3)))
    assert found[0] == ["test", "metrics"]
    assert " ".join(found[1]) == "nats bits perplexity accuracy onset nats onset accuracy"
    assert found[3:7] == [
        ["lstm", "0.731", "1.055", "2.08", "76.4%", "2.000", "30.0%"],
        ["always", "'_'", "–", "–", "–", "67.8%", "–", "0.0%"],
        ["4-gram", "1.100", "1.587", "3.00", "69.0%", "2.900", "12.0%"],
        ["5-gram", "★", "1.080", "1.558", "2.94", "70.0%", "2.800", "13.0%"],
    ]


def test_a_summary_compares_with_the_chosen_baseline():
    better, worse = (text(summary("m", LabelMetrics(nats, 0.5), BASELINES)) for nats in (0.731, 1.2))
    assert "★ best n-gram on the validation pieces; the model is 0.349 nats/token better" in better
    assert "★ best n-gram on the validation pieces; the model is 0.120 nats/token worse" in worse
    assert "best n-gram" not in text(summary("m", LabelMetrics(0.7, 0.5), BASELINES[:2]))


def test_a_summary_without_onsets_has_no_columns_for_them():
    _, *found = rows(summary("lstm", LabelMetrics(0.731, 0.764), [Baseline("1-gram", 1.5, 0.6)]))
    assert found[0] == ["nats", "bits", "perplexity", "accuracy"]
    assert found[3] == ["1-gram", "1.500", "2.164", "4.48", "60.0%"]


def test_baselines_with_onsets_leave_a_dash_beside_a_model_without():
    _, *found = rows(summary("lstm", LabelMetrics(0.731, 0.764), BASELINES))
    assert found[2][-2:] == ["–", "–"]


def test_a_summary_fits_eighty_columns():
    printed = text(summary("lstm", LabelMetrics(0.731, 0.764), BASELINES, LabelMetrics(2.0, 0.3)), width=80)
    assert max(map(len, printed.splitlines())) <= 80
    assert "…" not in printed
