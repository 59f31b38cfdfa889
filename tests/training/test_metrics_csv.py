"""metrics.csv: whole rows at all times; after a resume, the same file as without a stop."""

import csv
import io
import os
import random
import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.errors import EtudeError
from etude.runs.comparison import count_steps
from etude.training import metrics_csv
from etude.training.metrics_csv import MetricsCsv, RowsCheck, check_rows

STEPS, EPOCH = 12, 4

Logged = list[tuple[int, dict[str, float]]]


@pytest.fixture(autouse=True, scope="module")
def written_at_once() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics_csv, "EVERY", 0.0)
        yield


def logged(values: list[float]) -> Logged:
    """Rows that a training of three epochs logs: each step, and each epoch at its last step."""
    rows: Logged = []
    for step, value in enumerate(values):
        rows.append((step, {"train/loss_step": value, "epoch": step // EPOCH}))
        if step % EPOCH == EPOCH - 1:
            rows.append((step, {"val/loss": value / 3, "epoch": step // EPOCH}))
            rows.append((step, {"train/loss": value / 7, "epoch": step // EPOCH}))
    return [*rows, (len(values), {"test/loss": values[-1], "epoch": 3})]


def write(path: Path, rows: Logged, before: int = 0, saved: frozenset[int] = frozenset()) -> None:
    """Log the rows; flush after those in ``saved``, as a checkpoint does."""
    logger = MetricsCsv(path, before)
    for number, (step, metrics) in enumerate(rows):
        logger.log_metrics(metrics, step)
        logger.save()
        if number in saved:
            logger.flush()
    logger.finalize("success")


def table(path: Path) -> dict[int, dict[str, str]]:
    """The whole rows: a kill in the middle of a write may leave one without its end."""
    data = path.read_bytes()
    whole = io.StringIO(data[: data.rfind(b"\n") + 1].decode(errors="replace"), newline="")
    return {int(row["step"]): {k: v for k, v in row.items() if v} for row in csv.DictReader(whole)}


@settings(max_examples=25)
@given(
    st.lists(st.floats(0, 10), min_size=STEPS, max_size=STEPS),
    st.integers(1, STEPS),
    st.integers(0, STEPS),
    st.integers(0, 60),
)
def test_a_resumed_file_is_the_file_of_a_straight_run(
    values: list[float], resumed: int, lost: int, half: int
) -> None:
    rows = logged(values)
    with TemporaryDirectory() as name:
        straight, killed = Path(name, "straight.csv"), Path(name, "killed.csv")
        write(straight, rows)
        write(killed, [row for row in rows if row[0] < resumed + lost])
        with killed.open("ab") as file:  # a crash left a part of a row
            file.write(f"{STEPS},3,0.12345678".encode()[: half % 16])
        write(killed, [row for row in rows if row[0] >= resumed], before=resumed)
        assert killed.read_bytes() == straight.read_bytes()


def test_rows_that_a_resumed_run_does_not_reach_again_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    write(path, [(step, {"a": float(step)}) for step in range(8)])
    write(path, [(6, {"a": 60.0})], before=4)
    assert list(table(path)) == [0, 1, 2, 3, 6]
    assert table(path)[6]["a"] == "60.0"


names = st.sampled_from(["epoch", "a", "b", "c"])


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.dictionaries(names, st.floats(-9, 9), min_size=1)), min_size=1),
    st.frozensets(st.integers(0, 20)),
)
def test_whatever_is_logged_in_whatever_order_is_in_the_file(rows: Logged, saved: frozenset[int]) -> None:
    expected: dict[int, dict[str, str]] = {}
    for step, metrics in rows:
        texts = {key: str(value) for key, value in metrics.items()}
        expected.setdefault(step, {"step": str(step)}).update(texts)
    with TemporaryDirectory() as name:
        path = Path(name, "metrics.csv")
        write(path, rows, saved=saved)
        assert table(path) == expected
        assert list(table(path)) == sorted(expected)


def test_what_a_flush_has_written_stays(tmp_path: Path) -> None:
    """Otherwise the file would hold less than the checkpoint written after the flush."""
    logger = MetricsCsv(tmp_path / "metrics.csv")
    for step in range(3):
        logger.log_metrics({"a": step}, step)
    logger.flush()
    logger.log_metrics({"new": 1.0}, 2)
    logger.save()
    assert list(table(tmp_path / "metrics.csv")) == [0, 1, 2]


def test_a_row_under_known_columns_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    logger = MetricsCsv(path)
    for step in range(3):
        logger.log_metrics({"a": step}, step)
    logger.flush()
    file, size = path.stat().st_ino, path.stat().st_size
    logger.log_metrics({"a": 3.0}, 3)
    logger.flush()
    assert path.stat().st_ino == file
    assert path.stat().st_size == size + len("3,,3.0\r\n")


def test_a_row_that_still_gets_metrics_waits(tmp_path: Path) -> None:
    """Otherwise each step with metrics from two places would write the file anew."""
    logger, files = MetricsCsv(tmp_path / "metrics.csv"), []
    for step in range(6):
        for name in ("a", "b"):
            logger.log_metrics({name: 1.0}, step)
            logger.save()
        files.append((tmp_path / "metrics.csv").stat().st_ino)
    assert len(set(files[1:])) == 1


@given(st.integers(0, 80))
def test_a_row_without_its_end_is_no_row(cut: int) -> None:
    with TemporaryDirectory() as name:
        path = Path(name, "metrics.csv")
        write(path, [(step, {"a": 0.123456789 * step}) for step in range(5)])
        whole = path.read_bytes()
        path.write_bytes(whole[: max(0, len(whole) - cut)])
        whole_lines = path.read_bytes().count(b"\n")
        assert count_steps(path) == max(0, whole_lines - 1)


def test_killed_at_any_moment_it_holds_whole_rows_and_goes_on(tmp_path: Path) -> None:
    path, rng, steps = tmp_path / "metrics.csv", random.Random(0), 600
    rows = [(step, {"a": step / 7, f"late {step // 150}": 1.0}) for step in range(steps)]
    straight = tmp_path / "straight.csv"
    write(straight, rows)
    done = 0
    for _ in range(4):
        child = os.fork()
        if not child:
            try:
                write(path, rows[done:], before=done)
            finally:
                os._exit(0)
        size = path.stat().st_size if path.exists() else 0
        while not path.exists() or path.stat().st_size <= size:
            time.sleep(0.001)
            if os.waitpid(child, os.WNOHANG)[0]:
                break
        else:
            time.sleep(rng.uniform(0, 0.05))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        for step, row in table(path).items():
            assert row["a"] == str(step / 7)
        done = count_steps(path)
    write(path, rows[done:], before=done)
    assert path.read_bytes() == straight.read_bytes()


def logged_and_saved(path: Path, at: int, resumed: int = 0) -> RowsCheck:
    """Log STEPS steps; return what a checkpoint before step ``at`` stores. ``resumed``: once, from there."""
    rows = logged([step / 7 for step in range(STEPS)])
    if resumed:
        write(path, [row for row in rows if row[0] < resumed + 2])
    logger, saved = MetricsCsv(path, resumed), None
    for step, metrics in rows:
        if step == at and saved is None:
            logger.flush()
            saved = logger.check
        if step >= resumed:
            logger.log_metrics(metrics, step)
            logger.save()
    logger.finalize("success")
    assert saved
    return saved


@pytest.mark.parametrize("resumed", [0, 3])
@pytest.mark.parametrize("at", [3, 4, 9, STEPS])
def test_the_rows_of_a_checkpoint_are_recognised_under_later_columns(
    tmp_path: Path, at: int, resumed: int
) -> None:
    path = tmp_path / "metrics.csv"
    check_rows(path, at, logged_and_saved(path, at, resumed))


def test_rows_after_the_checkpoint_may_be_cut_or_changed(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    saved = logged_and_saved(path, 8)
    whole = path.read_bytes()
    kept = whole.index(b"\r\n8,") + 2
    for end in (b"", b"8,2,0.5", b"8,2,0.5,,,\r\n", whole[kept:-9]):
        path.write_bytes(whole[:kept] + end)
        check_rows(path, 8, saved)


@given(st.data())
def test_any_change_to_the_rows_before_the_checkpoint_is_noticed(data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        path = Path(name, "metrics.csv")
        saved = logged_and_saved(path, 8)
        whole, before = path.read_bytes(), table(path)
        at = data.draw(st.integers(0, whole.index(b"\r\n8,") - 1), label="place")
        kind = data.draw(
            st.sampled_from(["emptied", "cut", "removed", "inserted", "changed"]), label="damage"
        )
        byte = bytes([data.draw(st.integers(0, 255), label="byte")])
        rest = {"removed": whole[at + 1 :], "inserted": byte + whole[at:], "changed": byte + whole[at + 1 :]}
        path.write_bytes(b"" if kind == "emptied" else whole[:at] + rest.get(kind, b""))
        try:
            check_rows(path, 8, saved)
        except EtudeError:
            return
        same = {step: row for step, row in table(path).items() if step < 8}
        assert same == {step: row for step, row in before.items() if step < 8}


@pytest.mark.parametrize("written", [0, 1, 7, 1000])
@pytest.mark.parametrize("columns", ["known", "new"])
def test_a_write_that_a_signal_or_a_full_disk_ends_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int, columns: str
) -> None:
    def ended(path: Path, data: bytes) -> None:
        if columns == "known":
            with path.open("ab") as file:
                file.write(data[:written])
        raise KeyboardInterrupt

    straight, path = tmp_path / "straight.csv", tmp_path / "metrics.csv"
    rows: Logged = [(step, {"a": step / 7}) for step in range(6)]
    if columns == "new":
        rows.append((6, {"a": 0.5, "b": 1.0}))
    write(straight, rows)
    logger = MetricsCsv(path)
    for step, metrics in rows[:4]:
        logger.log_metrics(metrics, step)
    logger.flush()
    for step, metrics in rows[4:]:
        logger.log_metrics(metrics, step)
    with monkeypatch.context() as patch:
        patch.setattr(metrics_csv, "_append" if columns == "known" else "atomic_write", ended)
        with pytest.raises(KeyboardInterrupt):
            logger.flush()
    logger.finalize("failed")
    assert path.read_bytes() == straight.read_bytes()
    check_rows(path, 7, logger.check)
