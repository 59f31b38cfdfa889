"""Where two runs differ: the first step, to the last digit; weights, to the last bit."""

import csv
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from etude.runs.comparison import (
    changes,
    circumstances,
    metrics_difference,
    one_sided_columns,
    weights_difference,
)

COLUMNS = ("train/loss_step", "val/loss")
ROWS = st.dictionaries(
    st.integers(0, 20),
    st.tuples(*[st.none() | st.floats(allow_infinity=False)] * 2),
    min_size=1,
    max_size=6,
)
Rows = dict[int, tuple[float | None, ...]]


def written(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", *COLUMNS])
        writer.writerow([10**6, 0.0, 0.0])  # so that each column is there
        writer.writerows([step, *values] for step, values in rows.items())
    return path


def by_hand(first: Rows, second: Rows) -> tuple[int, str] | None:
    nothing = (None,) * len(COLUMNS)
    for step in range(21):
        for place, column in enumerate(COLUMNS):
            pair = first.get(step, nothing)[place], second.get(step, nothing)[place]
            if repr(pair[0]) != repr(pair[1]):
                return step, column
    return None


@given(ROWS, ROWS)
def test_the_first_difference_is_the_one_found_by_hand(
    tmp_path_factory: pytest.TempPathFactory, first: Rows, second: Rows
) -> None:
    folder = tmp_path_factory.getbasetemp()
    ours, theirs = written(folder / "ours.csv", first), written(folder / "theirs.csv", second)
    found = metrics_difference(ours, theirs)
    assert (None if found is None else (found.step, found.column)) == by_hand(first, second)
    assert metrics_difference(ours, ours) is None


def test_the_size_is_that_of_the_figures(tmp_path: Path) -> None:
    ours = written(tmp_path / "a", {3: (1.0, None), 5: (2.0, 0.5)})
    theirs = written(tmp_path / "b", {3: (1.0, None), 5: (2.0, 0.75)})
    found = metrics_difference(ours, theirs)
    assert found is not None
    assert (found.step, found.column, found.first, found.second, found.size) == (
        5,
        "val/loss",
        0.5,
        0.75,
        0.25,
    )


def test_a_column_of_only_one_run_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("step,loss\n1,2.0\n")
    (tmp_path / "b").write_text("step,loss,lr\n1,2.0,0.1\n")
    assert metrics_difference(tmp_path / "a", tmp_path / "b") is None
    assert one_sided_columns(tmp_path / "a", tmp_path / "b") == ["lr"]


def saved(path: Path, **weights: torch.Tensor) -> Path:
    torch.save({"state_dict": weights}, path)
    return path


def test_one_bit_of_one_weight_is_seen(tmp_path: Path) -> None:
    weight = torch.arange(6.0).view(2, 3)
    nudged = weight.clone()
    nudged[1, 2] = torch.nextafter(torch.tensor(5.0), torch.tensor(6.0))
    first = saved(tmp_path / "a", w=weight, b=torch.zeros(2))
    assert weights_difference(first, saved(tmp_path / "b", w=weight.clone(), b=torch.zeros(2)))["identical"]
    found = weights_difference(first, saved(tmp_path / "c", w=nudged, b=torch.zeros(2)))
    assert not found["identical"]
    assert found["where"] == "w"
    assert found["largest"] == float(nudged[1, 2]) - 5.0 > 0
    signed = weights_difference(first, saved(tmp_path / "d", w=weight, b=-torch.zeros(2)))
    assert (signed["identical"], signed["where"], signed["largest"]) == (False, "b", 0.0)


def test_nan_is_the_same_as_itself_and_apart_from_all_else(tmp_path: Path) -> None:
    broken = saved(tmp_path / "a", v=torch.zeros(2), w=torch.tensor([1.0, math.nan]))
    assert weights_difference(broken, broken)["identical"]
    found = weights_difference(broken, saved(tmp_path / "b", v=torch.ones(2), w=torch.tensor([1.0, 2.0])))
    assert math.isnan(found["largest"])
    assert found["where"] == "w"


def test_other_shapes_and_names_are_not_compared(tmp_path: Path) -> None:
    first = saved(tmp_path / "a", w=torch.zeros(2), x=torch.zeros(1))
    found = weights_difference(first, saved(tmp_path / "b", w=torch.zeros(3), y=torch.zeros(1)))
    assert (found["identical"], sorted(found["unlike"])) == (False, ["w", "x", "y"])


@pytest.mark.parametrize(("first", "second"), [(1, True), (0.0, -0.0), (1, 1.0), (None, 0), ("1", 1)])
def test_values_that_python_calls_equal_may_differ(first: Any, second: Any) -> None:
    assert [tuple(each) for each in changes({"k": first}, {"k": second})] == [("k", first, second)]
    assert changes({"k": first}, {"k": first}) == []


def test_uncommitted_changes_are_identified_by_a_hash() -> None:
    told = [circumstances({"git": {"commit": "c", "diff": diff}, "seed": 1}) for diff in ("a\nb", "a\nc")]
    assert told[0]["git.diff"].startswith("2 lines (")
    assert told[0] != told[1]
    assert "seed" not in told[0]
