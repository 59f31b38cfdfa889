"""Stored YAML and JSON from a stranger: anything but plain, bounded values of the right types is refused."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.errors import EtudeError
from etude.reports.curves import read_metrics
from etude.reports.sample_cards import Room, sample_set
from etude.runs.catalogue import entries
from etude.runs.checksums import damage
from etude.runs.comparison import metrics_difference
from etude.runs.folder import RunFolder
from etude.runs.stored_types import FILES
from etude.stored_files import StoredFileError, read_json, read_yaml
from etude.stored_tables import read_table
from etude.sweeps.sweep_folder import JobFolder, Sweep
from run_folders import made_up
from wrong_values import WRONG, places, put

LAUGHS = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{{','.join(f'k{i}: *{before}' for i in range(10))}}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMBS = {
    "laughs": LAUGHS,
    "a cycle": "a: &a\n  b: *a\n",
    "an anchor alone": "a: &a 1\n",
    "depth": "[" * 5000,
    "depth in blocks": "- " * 5000,
    "length": "".join(f"k{i}: 1\n" for i in range(40_000)),
    "bytes": "k: " + "x" * 2_000_000,
    "a long number": "k: " + "9" * 10_000,
    "a list": "[1, 2]",
    "a class": "k: !!python/object/apply:os.system [true]",
    "names that are no text": "1: 2",
    "not UTF-8": "k: \udcff",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_yaml_that_is_not_plain_is_one_sentence(tmp_path: Path, bomb: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(BOMBS[bomb].encode("utf-8", "surrogateescape"))
    with pytest.raises(StoredFileError) as refused:
        read_yaml(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_listing_shows_the_other_runs(tmp_path: Path, bomb: str) -> None:
    good = made_up(tmp_path, "erk/good_1", nats=1.0)
    bad = made_up(tmp_path, "erk/bad_2", nats=1.0)
    (bad.path / "config.yaml").write_bytes(BOMBS[bomb].encode("utf-8", "surrogateescape"))
    states = {entry.name: entry.state for entry in entries(tmp_path)}
    assert states == {good.name: "done", bad.name: "damaged"}
    [entry] = [each for each in entries(tmp_path) if each.name == bad.name]
    with pytest.raises(EtudeError, match=r"config\.yaml"):
        entry.check_readable()


@given(st.sampled_from(["status.json", "manifest.json", "results.json"]), st.data(), WRONG)
@settings(max_examples=150, deadline=None)
def test_a_wrong_type_anywhere_in_a_runs_json_stops_no_listing(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject, wrong: Any
) -> None:
    run = made_up(tmp_path_factory.mktemp("outputs"), nats=1.0)
    content = json.loads((run.path / name).read_text())
    place = data.draw(st.sampled_from(places(content)))
    (run.path / name).write_text(json.dumps(put(content, place, wrong)))
    for entry in entries(run.path.parents[1]):
        for key in ("state", "days", "minutes", "commit", "corpus", "signature", "test/nats"):
            entry.value(key)
        list(entry.keys())


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "not JSON"),
        ("[]", "values under their names"),
        ('{"state": 1}', "state must be text"),
        ('{"pid": "1"}', "pid must be a whole number"),
        ('{"pid": true}', "pid must be a whole number"),
        ('{"pid": 1e999}', "pid must be a whole number"),
        (f'{{"pid": {10**30}}}', "pid must be a whole number"),
        ('{"x": ' * 2000 + "1" + "}" * 2000, "deep|not JSON"),
    ],
)
def test_json_of_other_types_is_one_sentence(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "status.json"
    path.write_text(text)
    with pytest.raises(StoredFileError, match=what) as refused:
        read_json(path, FILES["status.json"])
    assert str(refused.value).startswith(str(path))


@pytest.mark.parametrize("content", [[], {"target": 1}, {"target": "a:b"}, {"overrides": "x", "config": 1}])
def test_a_job_of_other_types_is_one_sentence(tmp_path: Path, content: Any) -> None:
    (tmp_path / "job.json").write_text(json.dumps(content))
    with pytest.raises(EtudeError, match=r"job\.json"):
        _ = JobFolder(tmp_path).job


def test_a_ledger_names_no_folder_outside_its_own(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text(json.dumps({"trainings": [["../../elsewhere"]]}))
    with pytest.raises(EtudeError, match="plain name"):
        Sweep(tmp_path).jobs()


def test_a_required_name_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "checksums.json"
    path.write_text('{"files": {"config.yaml": {"size": 3}}}')
    with pytest.raises(StoredFileError, match=r"files\.config\.yaml lacks sha256$"):
        damage(tmp_path)


def test_an_evaluation_or_samples_of_other_types_are_one_sentence(tmp_path: Path) -> None:
    run = made_up(tmp_path, nats=1.0)
    (run.path / "evaluation.json").write_text('{"likelihood": {"pieces": 1, "left_out": 0, "rows": "x"}}')
    with pytest.raises(StoredFileError, match="is damaged: it lacks checkpoint, corpus, model"):
        RunFolder(run.path).read_json("evaluation.json")
    (tmp_path / "samples.json").write_text('{"samples": [{"number": "../x"}]}')
    with pytest.raises(StoredFileError, match=r"samples\.json is damaged: samples lacks degenerate_from"):
        sample_set(tmp_path, "key", Room())


TABLES = {
    "no number": ("step,epoch,loss\n1,1,1\n2,1,x\n", "line 3: 'x' is not a number"),
    "no step": ("step,epoch,loss\n-1,1,1\n", "line 2: '-1' is not a step"),
    "no whole step": ("step,epoch,loss\nnan,1,1\n", "line 2: 'nan' is not a step"),
    "a step of 5,000 digits": (f"step,epoch,loss\n{'9' * 5000},1,1\n", "line 2: '9999.*' is not a step"),
    "no column of steps": ("epoch,loss\n1,1\n", "line 2: '' is not a step"),
    "no epoch": ("step,epoch,loss\n1,inf,1\n", "line 2: inf is not an epoch"),
    "more cells": ("step,epoch\n1,1,1\n", "line 2: more cells"),
    "more columns": (f"step,epoch{',x' * 1001}\n", "more than 1000 columns"),
    "a cell of a megabyte": (f"step,epoch,loss\n1,1,{'9' * 2**20}\n", "line 2: field larger"),
    "more bytes": (None, "more than 256 MiB"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_of_metrics_from_a_stranger_is_one_sentence(tmp_path: Path, case: str) -> None:
    text, what = TABLES[case]
    path, other = tmp_path / "metrics.csv", tmp_path / "other.csv"
    path.write_text(text or "")
    other.write_text("step,epoch,loss\n1,1,1\n2,1,1\n")
    if text is None:
        os.truncate(path, 2**31)
    with pytest.raises(StoredFileError, match=what) as refused:
        _read_both_ways(path, other)
    assert str(refused.value).startswith(str(path))
    assert len(str(refused.value)) < 300 + len(str(path))


def _read_both_ways(path: Path, other: Path) -> None:
    metrics_difference(path, other)
    read_metrics(path)


def test_a_row_that_is_cut_short_has_empty_cells(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("step,epoch,loss\n1,1\n\n2,1,0.5\n3,1,0.25")
    _, rows = read_table(path)
    assert [(row.whole("step"), row.number("loss")) for row in rows] == [(1, None), (2, 0.5)]
