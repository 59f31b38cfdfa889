"""``etude draw``: a picture of the configured network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from etude.commands import console
from etude.config.build import build
from etude.config.compose import plain
from etude.config.fields import from_plain
from etude.corpora.prepared import PreparedCorpus
from etude.models.module import build_module
from etude.reports.network_parts import describe
from etude.reports.network_picture import draw_network
from etude.training.settings import TrainSettings


def draw(cfg: DictConfig) -> dict[str, Any]:
    """Draw the network of a training configuration; return the files, outputs_dir/networks/NAME.*."""
    settings = from_plain(TrainSettings, plain(cfg))
    data: PreparedCorpus = build(settings.data)
    module = build_module(settings.model, settings.optim, settings.schedule, data.vocabulary, data.encoding)
    console.line("model", module.summary)
    network, state = describe(module.network)
    files = draw_network(
        network,
        title=settings.name,
        state=state,
        notes=f"B sequences of T tokens; {len(data.vocabulary)} different tokens in {data.name}.",
        stem=Path(settings.outputs_dir) / "networks" / settings.name,
    )
    console.files(files)
    return {"files": [str(path) for path in files], "parameters": network.num_parameters}
