"""``etude play``: a page in the browser to play with a trained run."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig

from etude.commands import console
from etude.config.compose import plain
from etude.models.pretrained import pretrained_names
from etude.play.page import HOST, Page, library
from etude.play.studio import Studio
from etude.runs.catalogue import entries
from etude.runs.lookup import OUTPUTS, find_checkpoint
from etude.runs.status import RunState

MOST_RUNS = 50


def play(cfg: DictConfig) -> dict[str, Any]:
    """Serve the page until Ctrl-C; EtudeError if a run, the port or Gradio is not there."""
    library()
    named = [str(run) for run in (cfg.run, cfg.against) if run is not None]
    for run in named:
        find_checkpoint(run, cfg.checkpoint)
    studio = Studio(plain(cfg.sampling), cfg.checkpoint, cfg.threads)
    page = Page(studio, _offered(named), cfg.against)
    console.note(f"Open http://{HOST}:{cfg.port} in a browser; Ctrl-C ends it.")
    try:
        page.launch(cfg.port)
    finally:
        page.close()
    return {}


def _offered(named: list[str]) -> list[str]:
    """Return the runs to choose from: those named, the pretrained models, the newest runs."""
    done = [entry for entry in entries(OUTPUTS) if entry.state == RunState.DONE]
    newest = sorted(done, key=lambda entry: entry.changed(), reverse=True)[:MOST_RUNS]
    return list(dict.fromkeys([*named, *pretrained_names(), *(str(entry.path) for entry in newest)]))
