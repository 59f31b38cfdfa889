"""metrics.csv of a resumed run: the rows before, to the letter, and none twice."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from etude.training.metrics_csv import MetricsCsv

STEPS, EPOCH = 12, 4

Logged = list[tuple[int, dict[str, float]]]


def logged(values: list[float]) -> Logged:
    """What a training of three epochs logs, in its order: each step, and each epoch at its last step."""
    rows: Logged = []
    for step, value in enumerate(values):
        rows.append((step, {"train/loss_step": value, "epoch": step // EPOCH}))
        if step % EPOCH == EPOCH - 1:
            rows.append((step, {"val/loss": value / 3, "epoch": step // EPOCH}))
            rows.append((step, {"train/loss": value / 7, "epoch": step // EPOCH}))
    return [*rows, (len(values), {"test/loss": values[-1], "epoch": 3})]


def write(path: Path, rows: Logged, before: int = 0) -> None:
    csv = MetricsCsv(path, before)
    for step, metrics in rows:
        csv.log_metrics(metrics, step)
        csv.save()
    csv.finalize("success")


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.floats(0, 10), min_size=STEPS, max_size=STEPS),
    st.integers(1, STEPS),
    st.integers(0, STEPS),
)
def test_a_resumed_file_is_the_file_of_a_straight_run(values: list[float], resumed: int, lost: int) -> None:
    rows = logged(values)
    with TemporaryDirectory() as name:
        straight, killed = Path(name, "straight.csv"), Path(name, "killed.csv")
        write(straight, rows)
        write(killed, [row for row in rows if row[0] < resumed + lost])
        write(killed, [row for row in rows if row[0] >= resumed], before=resumed)
        assert killed.read_bytes() == straight.read_bytes()
