import io
import math

import matplotlib.image
import numpy as np
import pytest

from etude.errors import EtudeError
from etude.evaluation.baselines import Baseline
from etude.reports.curves import curve_figures, draw_curves, read_metrics

CSV = """epoch,step,train/accuracy,train/loss_epoch,val/accuracy,val/loss
0,99,,,0.70,1.25
0,99,0.65,1.5,,
1,199,,,0.75,0.75
1,199,0.72,1.0,,
2,299,,,0.76,0.875
2,299,0.80,0.5,,
"""
BASELINES = [Baseline("always '_'", None, 0.678), Baseline("5-gram", 1.08, 0.7)]


@pytest.fixture
def metrics(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text(CSV)
    return read_metrics(path)


def shown(points):
    """Return (epoch, value) points as a picture has them, whose first epoch is 1."""
    return [(epoch + 1, value) for epoch, value in points]


def lines(figure):
    """Return each named line's points."""
    return {
        line.get_label(): list(zip(*line.get_data(), strict=True))
        for line in figure.axes[0].lines
        if not line.get_label().startswith("_")
    }


def test_each_metric_has_its_points(metrics):
    assert metrics == {
        "train/accuracy": [(0, 0.65), (1, 0.72), (2, 0.80)],
        "train/loss_epoch": [(0, 1.5), (1, 1.0), (2, 0.5)],
        "val/accuracy": [(0, 0.70), (1, 0.75), (2, 0.76)],
        "val/loss": [(0, 1.25), (1, 0.75), (2, 0.875)],
    }


def test_the_file_of_lightnings_own_logger(tmp_path):
    from pytorch_lightning.loggers import CSVLogger

    logger = CSVLogger(tmp_path, name="", version="")
    logger.log_metrics({"epoch": 0, "val/loss": 1.5}, step=9)
    logger.log_metrics({"epoch": 0, "train/loss": 2.0}, step=9)
    logger.save()
    logger.log_metrics({"epoch": 1, "val/loss": math.nan, "lr": 1e-3}, step=19)
    logger.save()
    metrics = read_metrics(tmp_path / "metrics.csv")
    assert metrics["train/loss"] == [(0, 2.0)]
    assert metrics["lr"] == [(1, 0.001)]
    assert metrics["val/loss"][0] == (0, 1.5)
    assert math.isnan(metrics["val/loss"][1][1])


def test_a_last_row_without_its_end_is_no_row(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train/loss,val/loss\n0,9,1.5,\n1,19,1.2")
    assert read_metrics(path) == {"train/loss": [(0, 1.5)]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"metrics\.csv: no column named 'epoch'"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", r"metrics\.csv: no column named 'epoch'"),
        (b"epoch,val/loss\n0,1.5\n1,low\n", r"metrics\.csv, line 3: 'low' is not a number"),
        (b"epoch,val/loss\n0,1.5,7\n", r"metrics\.csv, line 2: more cells"),
        (None, r"metrics\.csv: No such file"),
    ],
)
def test_a_file_that_is_no_metrics_csv(tmp_path, content, message):
    path = tmp_path / "metrics.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EtudeError, match=message):
        read_metrics(path)


def test_the_pictures_show_both_curves_the_best_epoch_and_the_baselines(metrics):
    figures = curve_figures(metrics, BASELINES)
    assert list(figures) == ["loss.png", "accuracy.png"]
    loss, accuracy = (lines(figure) for figure in figures.values())
    assert loss["training"] == shown(metrics["train/loss_epoch"])
    assert loss["validation"] == shown(metrics["val/loss"])
    assert loss["lowest validation loss (epoch 2)"] == [(2, 0.75)]
    assert {height for _, height in loss["5-gram"]} == {1.08}
    assert "always '_'" not in loss  # its loss is infinite
    assert accuracy["training"] == shown(metrics["train/accuracy"])
    assert accuracy["validation"] == shown(metrics["val/accuracy"])
    assert accuracy["lowest validation loss (epoch 2)"] == [(2, 0.75)]  # not the epoch of the best accuracy
    assert {height for _, height in accuracy["always '_'"]} == {0.678}


def test_a_baseline_looks_the_same_in_both_pictures(metrics):
    styles = [
        line.get_linestyle()
        for figure in curve_figures(metrics, BASELINES).values()
        for line in figure.axes[0].lines
        if line.get_label() == "5-gram"
    ]
    assert len(styles) == 2
    assert styles[0] == styles[1]


def test_the_legend_names_every_line(metrics):
    for figure in curve_figures(metrics, BASELINES).values():
        assert [text.get_text() for text in figure.legends[0].get_texts()] == list(lines(figure))


def test_the_loss_of_an_epoch_is_preferred_to_that_of_its_steps():
    figures = curve_figures({"train/loss": [(0, 9.0)], "train/loss_epoch": [(0, 1.0)]})
    assert lines(figures["loss.png"])["training"] == [(1, 1.0)]


def test_several_points_of_an_epoch_count_as_their_mean():
    figures = curve_figures({"train/loss": [(1, 1.0), (0, 3.0), (0, 5.0)]})
    assert lines(figures["loss.png"])["training"] == [(1, 4.0), (2, 1.0)]


def test_a_metric_that_was_not_logged_has_no_curve(tmp_path):
    assert curve_figures({"lr": [(0, 0.1)]}) == {}
    assert draw_curves({"val/loss": [(0, 1.0)]}, tmp_path) == [tmp_path / "loss.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["loss.png"]


def test_a_loss_that_is_not_a_number_is_not_the_best():
    figures = curve_figures({"val/loss": [(0, math.nan), (1, 2.0), (2, math.nan)]})
    assert "lowest validation loss (epoch 2)" in lines(figures["loss.png"])


def test_a_run_that_diverged_at_once_has_no_best_epoch(tmp_path):
    diverged = {"train/loss": [(0, math.nan)], "val/loss": [(0, math.nan), (1, math.inf)]}
    assert list(lines(curve_figures(diverged)["loss.png"])) == ["training", "validation"]
    assert draw_curves(diverged, tmp_path) == [tmp_path / "loss.png"]


def test_the_axis_of_a_single_epoch_counts_in_whole_epochs():
    figure = curve_figures({"val/loss": [(0, 1.0)]})["loss.png"]
    low, high = figure.axes[0].get_xlim()
    assert [tick for tick in figure.axes[0].get_xticks() if low <= tick <= high] == [1]


def test_the_pictures_are_pngs_with_something_in_them(metrics, tmp_path):
    for path in draw_curves(metrics, tmp_path, BASELINES):
        image = matplotlib.image.imread(io.BytesIO(path.read_bytes()), format="png")
        assert image.shape == (630, 1050, 4)
        blue = np.array([0x00, 0x72, 0xB2]) / 255
        assert (np.abs(image[..., :3] - blue).max(axis=-1) < 0.01).sum() > 200


def test_a_picture_is_replaced_not_added_to(metrics, tmp_path):
    (tmp_path / "loss.png").write_bytes(b"old")
    draw_curves(metrics, tmp_path)
    draw_curves(metrics, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["accuracy.png", "loss.png"]
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
