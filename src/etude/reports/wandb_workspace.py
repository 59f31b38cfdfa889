"""A W&B workspace: the panels that a project of Étude's runs is read with."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from etude.errors import EtudeError

LOSS, TEST = "val/loss.min", "test/nats"  # as W&B's summary names them
COLUMNS = (f"summary:{LOSS}", f"summary:{TEST}")
SHOWN = 3  # samples of each stage
TITLES = {"before": "before training", "epochs": "by epoch", "after": "best weights"}


def check_installed() -> None:
    """Raise EtudeError, with what to type, without the package that makes workspaces."""
    if find_spec("wandb_workspaces") is None:
        raise EtudeError("etude dashboard needs the package wandb-workspaces: pip install wandb-workspaces")


def saved(made: Any) -> str:
    """Send a workspace to W&B as a new view; return its address. EtudeError if W&B refuses."""
    import wandb

    try:
        return str(made.save().url)
    except (wandb.Error, ValueError) as error:  # no such project, no right to change it
        raise EtudeError(f"W&B did not take the workspace: {str(error).strip()}") from error


def workspace(entity: str, project: str, *, name: str, group: str | None = None) -> Any:
    """Return the workspace of a project, or of the runs of one group in it; nothing is sent."""
    import wandb_workspaces.workspaces as ws

    return ws.Workspace(
        entity=entity,
        project=project,
        name=name,
        sections=[
            ws.Section(name=title, panels=panels, is_open=True) for title, panels in _sections().items()
        ],
        runset_settings=ws.RunsetSettings(
            filters=ws.And(ws.Metric("Group") == group) if group else "",
            order=[ws.Ordering(ws.Summary(LOSS), ascending=True)],
            pinned_columns=list(COLUMNS),
        ),
    )


def _sections() -> dict[str, list[Any]]:
    """Return the panels by section, most important first."""
    import wandb_workspaces.reports.v2 as wr

    return {
        "Loss and accuracy": [_curves(kind) for kind in ("loss", "accuracy")],
        "Samples": [
            panel for stage, title in TITLES.items() for panel in (*_media(stage, title), _table(stage))
        ],
        "Settings": [
            wr.ParallelCoordinatesPlot(
                title="settings and validation loss",
                columns=[
                    wr.ParallelCoordinatesPlotColumn(metric=metric, log=is_log)
                    for metric, is_log in (
                        (wr.Config("model.hidden_dim"), False),
                        (wr.Config("optim.lr"), True),
                        (wr.SummaryMetric(LOSS), False),
                    )
                ],
            ),
            wr.ParameterImportancePlot(with_respect_to=LOSS),
            wr.BarPlot(title="test, nats per token", metrics=[wr.SummaryMetric(TEST)]),
        ],
        "Optimisation and speed": [
            _lines("learning rate", "trainer/global_step", ["train/lr"]),
            _lines("gradient norm", "trainer/global_step", ["train/grad_norm"]),
            _lines("loss of a step", "trainer/global_step", ["train/loss_step"]),
            _lines("tokens per second", "epoch", ["time/tokens_per_second"]),
            _lines("seconds per epoch", "epoch", ["time/epoch_seconds"]),
        ],
    }


def _curves(kind: str) -> Any:
    """Return the chart of a metric in training and validation, with the baselines as lines."""
    import wandb_workspaces.reports.v2 as wr

    return wr.LinePlot(title=kind, x="epoch", metric_regex=f"^((train|val)/{kind}|baselines/{kind}/.+)$")


def _lines(title: str, x: str, y: Sequence[str]) -> Any:
    import wandb_workspaces.reports.v2 as wr

    return wr.LinePlot(title=title, x=x, y=list(y))


def _media(stage: str, title: str) -> list[Any]:
    """Return the panels to hear, see and read the samples of a stage."""
    import wandb_workspaces.reports.v2 as wr

    return [
        wr.MediaBrowser(
            title=f"{kind}, {title}",
            media_keys=[f"samples/{stage}/sample-{number}{suffix}" for number in range(1, SHOWN + 1)],
        )
        for kind, suffix in (("audio", ".wav"), ("score", ".score.png"), ("piano roll", ".png"))
    ]


def _table(stage: str) -> Any:
    import wandb_workspaces.reports.v2 as wr

    return wr.WeavePanelSummaryTable(table_name=f"samples/{stage}/table")
